import { to0x } from '../core/bytes.ts';
import { NotRecordedError } from '../core/errors.ts';
import type { DatasetId } from '../core/ids.ts';
import type { Head } from '../core/log/head.ts';
import type { Anchor, Ledger } from '../core/ports/ledger.ts';
import { type SignerOf, signersFrom } from '../core/protocols/signers.ts';
import type { VerdictAnchor } from '../core/verdict.ts';

/** One state of DISSC: what every verdict of an audit is measured against. */
export interface AnchoredHead {
  readonly head: Head;
  readonly anchor: VerdictAnchor;
  readonly signerOf: SignerOf;
}

/**
 * Reads a dataset's head and the signers of its records from DISSC.
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
  if (head.batches === 0) {
    const hint = anchor === 'final' ? ' Wait for finality, or use the latest block: --anchor latest.' : '';
    throw new NotRecordedError(
      `Dataset ${dataset} has nothing recorded at the ${anchor} block ${point.blockNumber}.${hint}`,
    );
  }
  const events = await ledger.findRecorded(dataset, fromBlock, point.blockNumber, signal);
  return {
    head,
    anchor: { anchor, point, size: head.size, batches: head.batches, root: to0x(head.root) },
    signerOf: signersFrom(events),
  };
}
