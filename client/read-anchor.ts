import { to0x } from '../core/bytes.ts';
import { type CharterHistory, charterHistory } from '../core/charter/charters-in-force.ts';
import { NotRecordedError } from '../core/errors.ts';
import type { BlockIndex, DatasetId } from '../core/ids.ts';
import type { Head } from '../core/log/head.ts';
import type { Anchor, Ledger, RecordedEvent } from '../core/ports/ledger.ts';
import { type RecordedHeads, recordedHeads } from '../core/protocols/recorded-heads.ts';
import { type SignerOf, signersFrom } from '../core/protocols/signers.ts';
import type { AuditedLog } from './audit-blocks.ts';
import { disownedBlocks } from './disowned-blocks.ts';

/** One state of DISSC: what every verdict of an audit is measured against. */
export interface AnchoredHead extends AuditedLog {
  /** The head and all that were recorded before it: behind one that nobody can prove, blocks are proven under those. */
  readonly heads: RecordedHeads;
  readonly signerOf: SignerOf;
  readonly recorded: readonly RecordedEvent[];
  /** The charters on the chain up to the anchor. */
  readonly charters: CharterHistory;
}

/**
 * Reads a dataset's head from DISSC, and from its events who recorded what under which charters.
 * @throws NotRecordedError when nothing of it is recorded at that anchor
 * @throws LedgerUnavailableError when the chain cannot be read
 */
export async function readAnchor(
  ledger: Ledger,
  dataset: DatasetId,
  anchor: Anchor,
  fromBlock: number,
  signal?: AbortSignal,
): Promise<AnchoredHead> {
  const { point, heads } = await ledger.readHeads([dataset], anchor, signal);
  const head = heads[0] as Head;
  if (head.size === 0) {
    const hint = anchor === 'final' ? ' Wait for finality, or use the latest block: --anchor latest.' : '';
    throw new NotRecordedError(
      `Dataset ${dataset} has nothing recorded at the ${anchor} block ${point.blockNumber}.${hint}`,
    );
  }
  const [events, chartered] = await Promise.all([
    ledger.findRecorded(dataset, fromBlock, point.blockNumber, signal),
    ledger.findChartered({ dataset }, fromBlock, point.blockNumber, signal),
  ]);
  const recorded = events.toSorted((a, b) => a.size - b.size);
  const charters = charterHistory([], chartered);
  return {
    head,
    heads: recordedHeads(head, recorded),
    anchor: { anchor, point, size: head.size, root: to0x(head.root) },
    signerOf: signersFrom(recorded),
    recorded,
    charters,
    disowned: disownedBlocks(charters, recorded),
  };
}

/** Which accepted update brought a block onto the chain; null when the chain's log does not say. */
export function updateOf({ recorded }: Pick<AnchoredHead, 'recorded'>, index: BlockIndex): RecordedEvent | null {
  return recorded.find(({ size }) => size > index) ?? null;
}
