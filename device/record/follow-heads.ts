import type { Head } from '../../core/log/head.ts';
import type { Report } from '../events.ts';
import type { ChainView } from '../log/chain-view.ts';
import { isOurs } from '../log/is-ours.ts';
import { type BatchState, stateNumber } from '../outbox/batch-rows.ts';
import { keepFinalHead } from '../outbox/final-head.ts';
import type { Outbox } from '../outbox/open-outbox.ts';
import type { FinalRoundHead, FollowRound } from './follow-round.ts';

/**
 * Moves batches by what the chain says: recorded with the latest head, final with the final one, back to stored when a
 * reorganisation took the record away; and by what a final round holds. A head counts only where its root is ours.
 * @returns `ahead` when the chain's log has something that the outbox does not know
 */
export async function followHeads(
  parts: {
    readonly outbox: Outbox;
    readonly report: Report;
    readonly nowMs: number;
    readonly view: ChainView;
    /** Given when the dataset stands in rounds. */
    readonly followRound?: FollowRound | undefined;
  },
  signal: AbortSignal,
): Promise<{ readonly ahead: boolean; readonly final: number; readonly recorded: number }> {
  const { outbox, report, nowMs, view } = parts;
  const { latest: latestHead, final: finalHead, latestPoint, finalPoint } = view;
  const moved = { recorded: 0, final: 0 };
  if (isOurs(outbox, finalHead)) {
    const block = finalPoint.blockNumber;
    moved.final = move(outbox, ['stored', 'recorded'], 'final', 0, finalHead.size, nowMs);
    keepFinalHead(outbox, { size: finalHead.size, chainBlock: block });
    if (moved.final > 0) report({ event: 'final', blocks: finalHead.size, block });
  }
  const anchored = (await parts.followRound?.(signal)) ?? null;
  if (anchored !== null) moved.final += noteAnchored({ outbox, report, nowMs }, anchored);
  if (isOurs(outbox, latestHead)) {
    moved.recorded = move(outbox, ['stored'], 'recorded', 0, latestHead.size, nowMs);
    if (moved.recorded > 0) report({ event: 'recorded', blocks: latestHead.size, block: latestPoint.blockNumber });
    move(outbox, ['recorded'], 'stored', latestHead.size, Number.MAX_SAFE_INTEGER, nowMs);
  }
  return { ...moved, ahead: !isOurs(outbox, latestHead) || !isOurs(outbox, finalHead) };
}

/** What a final round holds of this device's log is final. @returns how many batches became so */
export function noteAnchored(
  { outbox, report, nowMs }: { readonly outbox: Outbox; readonly report: Report; readonly nowMs: number },
  { head, round, seenAtBlock }: FinalRoundHead,
): number {
  if (!isOurs(outbox, head)) return 0;
  const count = move(outbox, ['stored', 'recorded'], 'final', 0, head.size, nowMs);
  if (count > 0) report({ event: 'anchored', blocks: head.size, round: round.number, block: seenAtBlock });
  return count;
}

/** What DISSC has of this device's log at a final block is final. @returns how many batches became so */
export function noteFinal(
  { outbox, report, nowMs }: { readonly outbox: Outbox; readonly report: Report; readonly nowMs: number },
  head: Head,
): number {
  if (!isOurs(outbox, head)) return 0;
  const count = move(outbox, ['stored', 'recorded'], 'final', 0, head.size, nowMs);
  if (count > 0) report({ event: 'final', blocks: head.size, block: null });
  return count;
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
