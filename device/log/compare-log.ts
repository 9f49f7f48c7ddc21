import { equalBytes } from '../../core/bytes.ts';
import { ProofError } from '../../core/errors.ts';
import type { Head } from '../../core/log/head.ts';
import type { BatchLine } from '../../core/ports/service.ts';
import { MAX_PAGE } from '../../core/wire/requests.ts';
import { batchAt, isSealed, logEnd } from '../outbox/batch-rows.ts';
import { adoptBatch } from './adopt-batch.ts';
import { adoptHead } from './adopt-head.ts';
import type { CompareParts } from './compare-parts.ts';
import { fetchFront } from './fetch-front.ts';
import { reportAdopted } from './report-adopted.ts';
import { resolveFork } from './resolve-fork.ts';
import { type VerifiedBatch, verifyBatch } from './verify-batch.ts';

/** Why this device must not seal now, or null. */
export type Comparison = { readonly held: string | null };

interface ChainView {
  readonly latest: Head;
  readonly final: Head;
  readonly named: boolean;
}

/**
 * Compares the outbox's log with the chain's and the service's, after every start and before sealing (design §7). Batches
 * that are ahead were sealed by this device before its outbox was replaced by a copy, or by the device before it: they
 * are adopted. What was sealed here but has, in the final log, another batch in its place goes back to be sealed again.
 * @throws when neither service nor chain answers: then nothing may be sealed
 */
export async function compareLog(parts: CompareParts, signal: AbortSignal): Promise<Comparison> {
  const [chain, listing] = await Promise.allSettled([readChain(parts, signal), listAhead(parts, signal)]);
  signal.throwIfAborted();
  if (chain.status === 'rejected' && listing.status === 'rejected') throw chain.reason;
  const view = chain.status === 'fulfilled' ? chain.value : null;
  if (view !== null) {
    if (!view.named) return held(`The chain names another device than ${parts.account} for this dataset.`);
    if (differs(parts, view.final)) await resolveFork(parts, view.final, signal);
    if (differs(parts, view.latest)) return held('The chain has another batch in the place of one sealed here.');
  }
  const ahead = listing.status === 'fulfilled' ? listing.value : [];
  try {
    const adopted = await adoptAhead(parts, view, ahead, signal);
    if (adopted.batches > 0) reportAdopted(parts, adopted);
  } catch (cause) {
    if (!(cause instanceof ProofError)) throw cause;
    // The log went on from another batch than ours. Once that is final, it is known which one counts.
    const finalIsAhead = view !== null && view.final.batches > logEnd(parts.outbox).frontier.leaves;
    if (!finalIsAhead || !(await resolveFork(parts, view.final, signal))) return held(cause.shortMessage);
  }
  if (view !== null && view.latest.batches > logEnd(parts.outbox).frontier.leaves) {
    return held('The chain is ahead of this outbox, and the service does not give the batches.');
  }
  return { held: null };
}

function held(reason: string): Comparison {
  return { held: reason };
}

async function readChain({ ledger, writer, account }: CompareParts, signal: AbortSignal): Promise<ChainView> {
  const [latest, final, { parties }] = await Promise.all([
    ledger.readHeads([writer.dataset], 'latest', signal),
    ledger.readHeads([writer.dataset], 'final', signal),
    ledger.readParties([writer.dataset], 'latest', signal),
  ]);
  return {
    latest: latest.heads[0] as Head,
    final: final.heads[0] as Head,
    named: parties[0]?.device === account,
  };
}

/** Whether the chain's log and ours differ where both have a batch. */
function differs({ outbox }: CompareParts, head: Head): boolean {
  if (head.batches === 0) return false;
  const row = batchAt(outbox, head.batches - 1);
  return row !== null && isSealed(row) && !equalBytes(row.root, head.root);
}

/** What the service has from our oldest unrecorded batch on. */
async function listAhead({ outbox, writer, service }: CompareParts, signal: AbortSignal): Promise<BatchLine[]> {
  const { dataset } = writer;
  const from = logEnd(outbox).size;
  const lines: BatchLine[] = [];
  let cursor: string | null | undefined;
  do {
    const query = { by: 'block' as const, from, limit: MAX_PAGE, ...(cursor == null ? {} : { cursor }) };
    const page = await service.listBatches(dataset, query, signal);
    lines.push(...page.batches.filter((line) => line.first >= from && line.state !== 'rejected' && !line.lost));
    cursor = page.next;
  } while (cursor !== null && lines.length < MAX_LISTED);
  return lines;
}

// A device that is so far behind adopts these first and looks again.
const MAX_LISTED = 20 * MAX_PAGE;

async function adoptAhead(
  parts: CompareParts,
  view: ChainView | null,
  ahead: readonly BatchLine[],
  signal: AbortSignal,
): Promise<{ batches: number; blocks: number; known: number }> {
  const { primitives, outbox, writer, account } = parts;
  const adopted = { batches: 0, blocks: 0, known: 0 };
  if (parts.bornEmpty && logEnd(outbox).size === 0 && view !== null && view.final.batches > 0) {
    adopted.batches += await adoptHead(parts, view.final, signal);
    adopted.blocks += logEnd(outbox).size;
  }
  const listed = new Set(ahead.map((line) => line.first));
  for (;;) {
    const end = logEnd(outbox);
    const recorded = view !== null && view.latest.batches > end.frontier.leaves;
    if (!recorded && !listed.has(end.size)) return adopted;
    const fetched = await fetchFront(parts, writer.dataset, end.size, signal);
    if (fetched === null) return adopted;
    let batch: VerifiedBatch;
    try {
      batch = verifyBatch(primitives, writer, account, end, fetched.front.manifest);
    } catch (cause) {
      // What only storage says must not keep this device from going on; what the chain has recorded must.
      if (recorded || !(cause instanceof ProofError)) throw cause;
      parts.report({ event: 'skipped', what: `the service's batch at block ${end.size}`, reason: cause.shortMessage });
      return adopted;
    }
    // Of a former device: only where the chain says that this one is its successor.
    if (!batch.own && view === null) return adopted;
    adopted.known += adoptBatch(primitives, outbox, writer, batch, fetched, parts.nowMs());
    adopted.batches++;
    adopted.blocks += batch.manifest.blocks.length;
  }
}
