import type { DatasetId } from '../../core/ids.ts';
import type { Head } from '../../core/log/head.ts';
import type { Ledger } from '../../core/ports/ledger.ts';
import type { Report } from '../events.ts';
import { isOurs } from '../log/is-ours.ts';
import { type BatchState, stateNumber } from '../outbox/batch-rows.ts';
import { keepFinalHead } from '../outbox/final-head.ts';
import type { Outbox } from '../outbox/open-outbox.ts';
import type { FollowRound } from './follow-round.ts';

/**
 * Moves batches by what the chain says: recorded with the latest head, final with the final one, back to stored when a
 * reorganisation took the record away; and by what a final round holds. A head counts only where its root is ours.
 * @returns `ahead` when the chain's log has something that the outbox does not know
 */
export async function followHeads(
  parts: {
    readonly outbox: Outbox;
    readonly ledger: Ledger;
    readonly dataset: DatasetId;
    readonly report: Report;
    readonly nowMs: number;
    /** Given when the dataset stands in rounds. */
    readonly followRound?: FollowRound | undefined;
  },
  signal: AbortSignal,
): Promise<{ readonly ahead: boolean; readonly final: number; readonly recorded: number }> {
  const { outbox, ledger, dataset, report, nowMs } = parts;
  const latest = await ledger.readHeads([dataset], 'latest', signal);
  const final = await ledger.readHeads([dataset], 'final', signal);
  const latestHead = latest.heads[0] as Head;
  const finalHead = final.heads[0] as Head;
  const moved = { recorded: 0, final: 0 };
  if (isOurs(outbox, finalHead)) {
    const block = final.point.blockNumber;
    moved.final = move(outbox, ['stored', 'recorded'], 'final', 0, finalHead.size, nowMs);
    keepFinalHead(outbox, { size: finalHead.size, chainBlock: block });
    if (moved.final > 0) report({ event: 'final', blocks: finalHead.size, block });
  }
  const anchored = (await parts.followRound?.(signal)) ?? null;
  if (anchored !== null && isOurs(outbox, anchored.head)) {
    const { size } = anchored.head;
    const count = move(outbox, ['stored', 'recorded'], 'final', 0, size, nowMs);
    moved.final += count;
    if (count > 0)
      report({ event: 'anchored', blocks: size, round: anchored.round.number, block: anchored.seenAtBlock });
  }
  if (isOurs(outbox, latestHead)) {
    moved.recorded = move(outbox, ['stored'], 'recorded', 0, latestHead.size, nowMs);
    if (moved.recorded > 0) report({ event: 'recorded', blocks: latestHead.size, block: latest.point.blockNumber });
    move(outbox, ['recorded'], 'stored', latestHead.size, Number.MAX_SAFE_INTEGER, nowMs);
  }
  return { ...moved, ahead: !isOurs(outbox, latestHead) || !isOurs(outbox, finalHead) };
}

/** Moves the batches that begin in a range of blocks: a head that is ours ends with one of them. */
function move(
  outbox: Outbox,
  from: readonly BatchState[],
  to: BatchState,
  start: number,
  end: number,
  nowMs: number,
): number {
  let count = 0;
  for (const state of from) {
    const among = outbox
      .sql('SELECT count(*) AS n FROM batches WHERE state = ? AND first >= ? AND first < ?')
      .get(stateNumber(state), start, end);
    if (among?.n === 0) continue;
    const { changes } = outbox.commit(() =>
      outbox
        .sql('UPDATE batches SET state = ?, since_ms = ? WHERE state = ? AND first >= ? AND first < ?')
        .run(stateNumber(to), nowMs, stateNumber(state), start, end),
    );
    count += Number(changes);
  }
  return count;
}
