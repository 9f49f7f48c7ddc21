import { crc32 } from 'node:zlib';
import type { CapturedBlock } from '../../core/batch/seal-batch.ts';
import { OutboxDamagedError } from './errors.ts';
import type { Outbox } from './open-outbox.ts';
import { decodeLines, metaOf } from './piece-lines.ts';

interface PieceRow {
  seq: number;
  blocks: number;
  crc: number;
  lines: Uint8Array;
  content: Uint8Array;
}

/**
 * Captured blocks from `fromSeq` on, oldest first. The outbox must not be written while this is walked.
 * @throws OutboxDamagedError when a piece is not what was written
 */
export function* walkBlocks(outbox: Outbox, fromSeq: number): Generator<{ seq: number; block: CapturedBlock }> {
  const rows = outbox
    .sql(`SELECT seq, blocks, crc, lines, content FROM pieces
      WHERE seq >= coalesce((SELECT max(seq) FROM pieces WHERE seq <= ?), 0) ORDER BY seq`)
    .iterate(fromSeq) as unknown as Iterable<PieceRow>;
  for (const row of rows) {
    if (row.seq + row.blocks <= fromSeq) continue;
    if (crc32(row.content, crc32(row.lines)) !== row.crc) {
      throw new OutboxDamagedError(
        `Captured blocks ${row.seq} to ${row.seq + row.blocks - 1} are damaged on this disk. Keep a copy of the outbox.`,
      );
    }
    let at = 0;
    for (const [number, line] of decodeLines(row.lines, row.seq).entries()) {
      const seq = row.seq + number;
      const content = row.content.subarray(at, at + line.size);
      at += line.size;
      if (seq >= fromSeq) yield { seq, block: { content, meta: metaOf(line) } };
    }
  }
}

/** Captured blocks `fromSeq` … `toSeq` - 1, as many as are there. @throws OutboxDamagedError */
export function readBlocks(outbox: Outbox, fromSeq: number, toSeq: number): CapturedBlock[] {
  const found: CapturedBlock[] = [];
  for (const { seq, block } of walkBlocks(outbox, fromSeq)) {
    if (seq >= toSeq) break;
    found.push(block);
    if (seq === toSeq - 1) break;
  }
  return found;
}
