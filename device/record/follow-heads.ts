import { equalBytes } from '../../core/bytes.ts';
import type { DatasetId } from '../../core/ids.ts';
import type { Head } from '../../core/log/head.ts';
import type { Ledger } from '../../core/ports/ledger.ts';
import type { Report } from '../events.ts';
import { type BatchState, batchAt, isSealed, logEnd, stateNumber } from '../outbox/batch-rows.ts';
import type { Outbox } from '../outbox/open-outbox.ts';

/**
 * Moves batches by what the chain says: recorded with the latest head, final with the final one, back to stored when a
 * reorganisation took the record away. A head counts only where its root is ours.
 * @returns `ahead` when the chain's log has something that the outbox does not know
 */
export async function followHeads(
  parts: { readonly outbox: Outbox; readonly ledger: Ledger; readonly dataset: DatasetId; readonly report: Report },
  signal: AbortSignal,
): Promise<{ readonly ahead: boolean; readonly final: number; readonly recorded: number }> {
  const { outbox, ledger, dataset, report } = parts;
  const latest = await ledger.readHeads([dataset], 'latest', signal);
  const final = await ledger.readHeads([dataset], 'final', signal);
  const latestHead = latest.heads[0] as Head;
  const finalHead = final.heads[0] as Head;
  const moved = { recorded: 0, final: 0 };
  if (isOurs(outbox, finalHead)) {
    moved.final = move(outbox, ['stored', 'recorded'], 'final', 0, finalHead.batches);
    if (moved.final > 0) {
      const block = final.point.blockNumber;
      report({ event: 'final', batches: finalHead.batches, blocks: finalHead.size, block });
    }
  }
  if (isOurs(outbox, latestHead)) {
    moved.recorded = move(outbox, ['stored'], 'recorded', 0, latestHead.batches);
    if (moved.recorded > 0) {
      const block = latest.point.blockNumber;
      report({ event: 'recorded', batches: latestHead.batches, blocks: latestHead.size, block });
    }
    move(outbox, ['recorded'], 'stored', latestHead.batches, Number.MAX_SAFE_INTEGER);
  }
  return { ...moved, ahead: !isOurs(outbox, latestHead) || !isOurs(outbox, finalHead) };
}

/** Whether a head of the chain is a state of this outbox's log. */
export function isOurs(outbox: Outbox, head: Head): boolean {
  if (head.batches === 0) return true;
  if (head.batches > logEnd(outbox).frontier.leaves) return false;
  const row = batchAt(outbox, head.batches - 1);
  // Rows are forgotten only once they are final and checked: then the log went through this head.
  return row === null || (isSealed(row) && equalBytes(row.root, head.root));
}

function move(outbox: Outbox, from: readonly BatchState[], to: BatchState, start: number, end: number): number {
  let count = 0;
  for (const state of from) {
    const among = outbox
      .sql('SELECT count(*) AS n FROM batches WHERE state = ? AND position >= ? AND position < ?')
      .get(stateNumber(state), start, end);
    if (among?.n === 0) continue;
    const { changes } = outbox
      .sql('UPDATE batches SET state = ? WHERE state = ? AND position >= ? AND position < ?')
      .run(stateNumber(to), stateNumber(state), start, end);
    count += Number(changes);
  }
  return count;
}
