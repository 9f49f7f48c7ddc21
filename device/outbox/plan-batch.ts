import { NONCE_BYTES } from '../../core/block/content-keys.ts';
import { GCM_TAG_BYTES, MAX_BATCH_BYTES } from '../../core/limits.ts';
import type { Primitives } from '../../core/ports/primitives.ts';
import { type BatchRow, insertPlanned, isSealed, lastBatch, type PlannedBatch } from './batch-rows.ts';
import type { Outbox } from './open-outbox.ts';
import { sealedSeq } from './read-backlog.ts';
import { type PieceRow, soundLines } from './read-blocks.ts';

export interface BatchLimits {
  readonly maxBlocks: number;
  /** Of content. */
  readonly maxBytes: number;
}

/**
 * Fixes the next batch: which blocks, and the random part of its nonce, on the disk before anything is made with them. From
 * here on its bytes are determined, whatever happens in between; were its place or its blocks to change, another would be
 * drawn. Null when nothing is left to seal.
 */
export function planBatch(
  primitives: Pick<Primitives, 'randomBytes'>,
  outbox: Outbox,
  limits: BatchLimits,
  batch: Pick<PlannedBatch, 'serial' | 'after'> & { readonly nowMs: number },
): { readonly planned: PlannedBatch; readonly bytes: number } | null {
  return outbox.commit(() => {
    const fromSeq = sealedSeq(outbox);
    const { blocks, bytes, toSeq } = measureBatch(outbox, fromSeq, limits);
    if (blocks === 0) return null;
    const last = lastBatch(outbox);
    const planned: PlannedBatch = {
      first: last === null ? 0 : last.first + last.blocks,
      state: 'planned',
      blocks,
      fromSeq,
      toSeq,
      serial: batch.serial,
      random16: primitives.randomBytes(NONCE_BYTES),
      after: batch.after,
      beforeAtMs: lastAtMs(last, batch.serial),
      plannedMs: batch.nowMs,
    };
    insertPlanned(outbox, planned);
    return { planned, bytes };
  });
}

/** `at` of the log's last block; null where a new stretch of time begins: it is not known, or another device's. */
function lastAtMs(last: BatchRow | null, serial: number): number | null {
  if (last === null) return 0;
  return isSealed(last) && last.serial === serial ? last.endAtMs : null;
}

/** How many blocks from `fromSeq` on fit one batch, one at least when there is one. */
function measureBatch(
  outbox: Outbox,
  fromSeq: number,
  limits: BatchLimits,
): { blocks: number; bytes: number; toSeq: number } {
  const rows = outbox
    .sql(`SELECT seq, blocks, crc, lines FROM pieces WHERE seq >= coalesce((SELECT max(seq) FROM pieces WHERE seq <= ?), 0)
      ORDER BY seq`)
    .iterate(fromSeq) as unknown as Iterable<Omit<PieceRow, 'content'>>;
  let blocks = 0;
  let bytes = 0;
  let toSeq = fromSeq;
  for (const row of rows) {
    for (const [number, { size }] of soundLines(row).entries()) {
      if (row.seq + number < fromSeq) continue;
      const storedBytes = bytes + size + (blocks + 1) * GCM_TAG_BYTES;
      const full = blocks === limits.maxBlocks || bytes + size > limits.maxBytes || storedBytes > MAX_BATCH_BYTES;
      if (full && blocks > 0) return { blocks, bytes, toSeq };
      blocks++;
      bytes += size;
      toSeq = row.seq + number + 1;
    }
  }
  return { blocks, bytes, toSeq };
}
