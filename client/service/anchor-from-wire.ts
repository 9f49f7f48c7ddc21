import { fromHex } from '../../core/bytes.ts';
import { charterFromWire } from '../../core/charter/wire-charter.ts';
import { bytes32, type DatasetId, type LogRoot, type RoundRoot } from '../../core/ids.ts';
import type { SignedHead } from '../../core/log/head.ts';
import type { DatasetAnchor, ServiceRound } from '../../core/ports/service.ts';
import type { MapLeaf } from '../../core/rounds/map-leaf.ts';
import type { GetAnchorResponse, WireRound } from '../../core/wire/requests.ts';

/**
 * What get-anchor says of a dataset, parsed. Nothing of it is verified by this.
 * @throws ArgumentError naming the field
 *
 * @example
 * const answer = await fetch(`${connection.apiUrl}/v1/datasets/${dataset}/anchor?since=0`);
 * const { head, charter } = anchorFromWire(dataset, await answer.json());
 * console.log(head?.size, charter.owner === owner.address); // 4 true
 */
export function anchorFromWire(
  dataset: DatasetId,
  { charter, head, round, final, growth }: GetAnchorResponse,
): DatasetAnchor {
  return {
    charter: charterFromWire(charter),
    head: head === null ? null : headFromWire(dataset, head),
    round: round === null ? null : roundFromWire(dataset, round),
    final: final === null ? null : { size: final.size, root: rootOf(final.root) },
    growth: growth.map(({ from, to, peaks, appended }) => ({
      from,
      to,
      peaks: peaks.map((hash) => fromHex(hash, 'peak')),
      appended: appended.map((hash) => fromHex(hash, 'appended subtree')),
    })),
  };
}

function headFromWire(
  dataset: DatasetId,
  { size, root, serial, signature }: NonNullable<GetAnchorResponse['head']>,
): SignedHead {
  return { dataset, size, root: rootOf(root), serial, signature: fromHex(signature, 'head signature') };
}

function roundFromWire(
  dataset: DatasetId,
  { number, time, previous, history, path, head, end, transaction }: WireRound,
): ServiceRound {
  return {
    ...{ number, timeSeconds: time, txHash: transaction },
    previous: bytes32<RoundRoot>(fromHex(previous, 'previous round'), 'previous round'),
    history: bytes32<LogRoot>(fromHex(history, 'history'), 'history'),
    path: path.map((hash) => fromHex(hash, 'path')),
    head: head === null ? null : headFromWire(dataset, head),
    end: end === null || end === 'empty' ? null : leafFromWire(end),
  };
}

function leafFromWire({
  dataset,
  size,
  root,
  serial,
  signatureHash,
}: Exclude<WireRound['end'], 'empty' | null>): MapLeaf {
  const [id, hash] = [dataset as DatasetId, fromHex(signatureHash, 'hash of the signature')];
  return { dataset: id, size, root: rootOf(root), serial, signatureHash: hash };
}

function rootOf(hex: string): LogRoot {
  return bytes32<LogRoot>(fromHex(hex, 'root'), 'root');
}
