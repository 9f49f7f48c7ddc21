import { EMPTY_PEAKS, type Peaks } from '../../core/log/peaks.ts';
import { batchBefore, isSealed, lastBatch, stateNumber } from './batch-rows.ts';
import { OutboxDamagedError } from './errors.ts';
import type { Outbox } from './open-outbox.ts';

/** Where the log ends that this outbox knows. A batch that is being sealed is not in it yet. */
export function logEnd(outbox: Outbox): Peaks {
  const last = lastBatch(outbox);
  if (last === null) return EMPTY_PEAKS;
  return isSealed(last) ? last.end : peaksBefore(outbox, last.first);
}

/** How many blocks that log has: asked at every turn, so it reads no peaks. */
export function logSize(outbox: Outbox): number {
  const last = outbox.sql('SELECT first, blocks, state FROM batches ORDER BY first DESC LIMIT 1').get();
  if (last === undefined) return 0;
  // A batch that is being sealed: what is before it must be known.
  if (last.state === stateNumber('planned')) return logEnd(outbox).size;
  return (last.first as number) + (last.blocks as number);
}

/** The log's peaks before a batch: those after the one before it. */
export function peaksBefore(outbox: Outbox, first: number): Peaks {
  if (first === 0) return EMPTY_PEAKS;
  const before = batchBefore(outbox, first);
  if (before !== null && isSealed(before) && before.end.size === first) return before.end;
  throw new OutboxDamagedError(`The outbox does not know the log before block ${first}.`);
}

/** Forgets the batches from a block on; what was captured of them is unsealed again. Answers how many blocks that is. */
export function cutBatches(outbox: Outbox, first: number): number {
  const cut = outbox
    .sql('SELECT coalesce(sum(to_seq - from_seq), 0) AS blocks FROM batches WHERE first >= ?')
    .get(first);
  outbox.sql('DELETE FROM batches WHERE first >= ?').run(first);
  outbox.sql('DELETE FROM to_publish WHERE first >= ?').run(first);
  return cut?.blocks as number;
}
