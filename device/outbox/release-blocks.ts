import { moveBatch, type SealedRow, stateNumber } from './batch-rows.ts';
import type { Outbox } from './open-outbox.ts';

/** Batches kept behind the oldest that is under way: enough to compare a log's recent past. */
const KEPT_BATCHES = 64;

/**
 * Notes that a batch is checked, and lets go of its leaf hashes and of every piece whose blocks are all in checked batches.
 * Nothing else removes content, except dropping unsealed blocks at the disk's bound.
 */
export function releaseBatch(outbox: Outbox, row: SealedRow, nowMs: number): void {
  outbox.commit(() => {
    if (!moveBatch(outbox, row, 'final', 'checked', nowMs)) return;
    outbox.sql('UPDATE batches SET leaves = NULL, front = NULL WHERE first = ?').run(row.first);
    outbox
      .sql(`DELETE FROM pieces WHERE seq < :to AND seq + blocks > :from
        AND seq + blocks <= (SELECT to_seq FROM batches ORDER BY first DESC LIMIT 1)
        AND NOT EXISTS (SELECT 1 FROM batches b WHERE b.state < :checked
          AND b.from_seq < pieces.seq + pieces.blocks AND b.to_seq > pieces.seq)`)
      .run({ from: row.fromSeq, to: row.toSeq, checked: stateNumber('checked') });
    outbox
      .sql(`DELETE FROM batches WHERE first < (SELECT first FROM batches WHERE first <= coalesce(
        (SELECT min(first) FROM batches WHERE state < ?), (SELECT max(first) FROM batches))
        ORDER BY first DESC LIMIT 1 OFFSET ?)`)
      .run(stateNumber('checked'), KEPT_BATCHES);
  });
}
