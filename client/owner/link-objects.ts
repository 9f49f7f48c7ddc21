import { type LinkedObject, sealLinkedObjects } from '../../core/block/linked-objects.ts';
import { auditKey } from '../../core/block/seal.ts';
import { deviceSerial } from '../../core/charter/charters-in-force.ts';
import { type DatasetName, requireDatasetName } from '../../core/charter/dataset-name.ts';
import type { DatasetKind } from '../../core/charter/kind.ts';
import { ArgumentError, ChainAnswerError, StoreUnavailableError } from '../../core/errors.ts';
import type { DatasetId } from '../../core/ids.ts';
import { MAX_BLOCK_BYTES } from '../../core/limits.ts';
import type { CssN, RecordSource } from '../../core/ports/css.ts';
import type { Anchor, Ledger } from '../../core/ports/ledger.ts';
import type { P2pfs } from '../../core/ports/p2pfs.ts';
import type { Primitives } from '../../core/ports/primitives.ts';
import { verifyFromPeers } from '../../core/protocols/owner-css-n.ts';
import type { DatasetKeyOf } from '../../core/protocols/owner-keys.ts';
import { type AnchoredHead, readAnchor } from '../read-anchor.ts';

export interface LinkDeps {
  readonly primitives: Primitives;
  readonly ledger: Ledger;
  /** Asked for records and metas; both are checked against the chain before anything is linked. */
  readonly css: CssN & RecordSource;
  readonly p2pfs: Pick<P2pfs, 'readFile'>;
  readonly chain: {
    link(
      dataset: { readonly name: DatasetName; readonly kind: DatasetKind },
      range: { first: number; count: number },
      objects: Uint8Array,
      signal?: AbortSignal,
    ): Promise<{ readonly txHash: string }>;
  };
}

/** An object in IPFS that holds a block's stored bytes. */
export interface ObjectOfBlock {
  readonly index: number;
  readonly cid: string;
}

export interface WrittenLink {
  readonly first: number;
  readonly count: number;
  readonly txHash: string;
}

// Entries take at most 650 bytes, and a link 65,536.
const MAX_LINKED_AT_ONCE = 96;

/**
 * Ties blocks to objects that other tools put into IPFS (Table III: ObjectID, by `DISSC.link`). Every object is retrieved
 * and hashed first: what is not the recorded block is not linked. Neighbours share a transaction.
 * @throws ArgumentError when an object is not the block it is given for; StoreUnavailableError when it or the block's meta
 * cannot be had
 *
 * @example
 * import { createKuboP2pfs } from 'plumbline/adapters/ipfs/kubo-p2pfs';
 * import { rawCid } from 'plumbline/core/batch/manifest';
 * const p2pfs = createKuboP2pfs({ apiUrl: connection.ipfsApiUrl });
 * // Whatever put it there: here, publishing the dataset did.
 * const { block } = await service.getBlock(dataset, 0);
 * const objects = [{ index: 0, cid: String(rawCid(primitives.sha256(block))) }];
 * const deps = { primitives, ledger, css: service, p2pfs, chain: disscOwner };
 * const [link] = await linkObjects(deps, { dataset, datasetKeyOf, anchor: 'final', fromBlock }, objects);
 * p2pfs.close();
 * console.log(link?.first, link?.count); // 0 1
 */
export async function linkObjects(
  deps: LinkDeps,
  target: { dataset: DatasetId; datasetKeyOf: DatasetKeyOf; anchor: Anchor; fromBlock: number },
  objects: readonly ObjectOfBlock[],
  signal?: AbortSignal,
): Promise<WrittenLink[]> {
  const { dataset, datasetKeyOf } = target;
  const sorted = objects.toSorted((a, b) => a.index - b.index);
  if (sorted.some(({ index }, at) => index === sorted[at + 1]?.index)) {
    throw new ArgumentError('You named a block twice. Link one object to each block.');
  }
  const anchored = await readAnchor(deps.ledger, dataset, target.anchor, target.fromBlock, signal);
  const linked = new Map<number, LinkedObject>();
  for (const { index, cid } of sorted) {
    const stored = await deps.css.getBlock(dataset, index, signal);
    if ('kind' in stored) {
      throw new StoreUnavailableError(`The storage did not return the meta of block ${index}: ${stored.reason}`);
    }
    linked.set(index, { cid, meta: stored.meta });
  }
  const protocol = { ...deps, ...anchored, dataset, datasetKeyOf, records: deps.css };
  const blocks = sorted.map(({ index }) => index);
  for await (const verdicts of verifyFromPeers(
    protocol,
    deps.p2pfs,
    ({ index }) => linked.get(index) ?? null,
    blocks,
    signal,
  )) {
    const bad = verdicts.find(({ verdict }) => verdict !== 'intact');
    if (bad !== undefined) {
      const { cid } = linked.get(bad.index) as LinkedObject;
      // Where no peer has the object now, its bytes are not known to be wrong.
      const Refusal = bad.verdict === 'unavailable' ? StoreUnavailableError : ArgumentError;
      throw new Refusal(
        `${cid} is not linked to block ${bad.index}, ${bad.verdict}: ${bad.reason} It must hold the block's stored bytes, at most ${MAX_BLOCK_BYTES}.`,
      );
    }
  }
  const { name, kind, serial } = newestDevice(anchored);
  const device = { serial, auditKey: auditKey(deps.primitives, datasetKeyOf(serial)) };
  const written: WrittenLink[] = [];
  for (const run of cutRuns(blocks)) {
    const first = run[0] as number;
    const entries = run.map((index) => linked.get(index) as LinkedObject);
    const sealed = sealLinkedObjects(deps.primitives, device, dataset, first, entries);
    const { txHash } = await deps.chain.link({ name, kind }, { first, count: run.length }, sealed, signal);
    written.push({ first, count: run.length, txHash });
  }
  return written;
}

/** By the newest charter on the chain: its device's key seals a link. */
function newestDevice({ head, charters }: AnchoredHead): { name: DatasetName; kind: DatasetKind; serial: number } {
  const newest = charters.chartered.at(-1)?.charter;
  const serial = newest === undefined ? null : deviceSerial(charters, newest.device);
  if (newest === undefined || serial === null) {
    throw new ChainAnswerError(
      `Blocks of dataset ${head.dataset} are recorded, but the node shows no charter. Ask another node.`,
    );
  }
  return { name: requireDatasetName(newest.name), kind: newest.kind, serial };
}

/** Neighbouring blocks, as many together as fit one link. */
function cutRuns(sorted: readonly number[]): number[][] {
  const runs: number[][] = [];
  for (const index of sorted) {
    const run = runs[runs.length - 1];
    if (run === undefined || run[run.length - 1] !== index - 1 || run.length >= MAX_LINKED_AT_ONCE) runs.push([index]);
    else run.push(index);
  }
  return runs;
}
