import { NONCE_BYTES } from '../../core/block/content-cipher.ts';
import { GCM_TAG_BYTES, MAX_BATCH_BYTES } from '../../core/limits.ts';
import type { Primitives } from '../../core/ports/primitives.ts';
import { insertPlanned, lastBatch, type PlannedBatch } from './batch-rows.ts';
import type { Outbox } from './open-outbox.ts';
import { decodeLines } from './piece-lines.ts';
import { sealedSeq } from './read-backlog.ts';

export interface BatchLimits {
  readonly maxBlocks: number;
  /** Of content. */
  readonly maxBytes: number;
}

/**
 * Fixes the next batch: which blocks, and a random nonce, on the disk before anything is made with them. From here on its
 * bytes are determined, whatever happens in between. Null when nothing is left to seal.
 */
export function planBatch(
  primitives: Pick<Primitives, 'randomBytes'>,
  outbox: Outbox,
  limits: BatchLimits,
  batch: { readonly published: boolean; readonly nowMs: number },
): { readonly planned: PlannedBatch; readonly bytes: number } | null {
  return outbox.commit(() => {
    const fromSeq = sealedSeq(outbox);
    const { blocks, bytes, toSeq } = measureBatch(outbox, fromSeq, limits);
    if (blocks === 0) return null;
    const last = lastBatch(outbox);
    const planned: PlannedBatch = {
      position: last === null ? 0 : last.position + 1,
      state: 'planned',
      first: last === null ? 0 : last.first + last.blocks,
      blocks,
      fromSeq,
      toSeq,
      published: batch.published,
      nonce: primitives.randomBytes(NONCE_BYTES),
      plannedMs: batch.nowMs,
    };
    insertPlanned(outbox, planned);
    return { planned, bytes };
  });
}

/** How many blocks from `fromSeq` on fit one batch, one at least when there is one. */
function measureBatch(
  outbox: Outbox,
  fromSeq: number,
  limits: BatchLimits,
): { blocks: number; bytes: number; toSeq: number } {
  const rows = outbox
    .sql(`SELECT seq, lines FROM pieces WHERE seq >= coalesce((SELECT max(seq) FROM pieces WHERE seq <= ?), 0)
      ORDER BY seq`)
    .iterate(fromSeq) as unknown as Iterable<{ seq: number; lines: Uint8Array }>;
  let blocks = 0;
  let bytes = 0;
  let toSeq = fromSeq;
  for (const row of rows) {
    for (const [number, { size }] of decodeLines(row.lines, row.seq).entries()) {
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
