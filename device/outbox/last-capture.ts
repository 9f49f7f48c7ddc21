import type { CaptureTime } from '../../core/block/falling-clock.ts';
import { isSealed, lastBatch } from './batch-rows.ts';
import type { Outbox } from './open-outbox.ts';
import { metaOf } from './piece-lines.ts';
import { linesOfPiece, type PieceRow } from './read-blocks.ts';

/** What the block captured last says of its time; null where this outbox has seen none. */
export function lastCaptureTime(outbox: Outbox): CaptureTime | null {
  const piece = outbox.sql('SELECT seq, crc, lines FROM pieces ORDER BY seq DESC LIMIT 1').get();
  const line = piece === undefined ? undefined : linesOfPiece(piece as unknown as PieceRow)?.at(-1);
  if (line !== undefined) return { at: metaOf(line).at };
  const batch = lastBatch(outbox);
  return batch !== null && isSealed(batch) && batch.endAtMs !== null ? { at: batch.endAtMs } : null;
}
