import { crc32 } from 'node:zlib';
import type { CapturedBlock } from '../../core/batch/seal-batch.ts';
import { BlocksDamagedError } from './errors.ts';
import type { Outbox } from './open-outbox.ts';
import { decodeLines, metaOf, type PieceLine } from './piece-lines.ts';

/** A piece as it lies on the disk. */
export interface PieceRow {
  readonly seq: number;
  readonly blocks: number;
  readonly crc: number;
  readonly lines: Uint8Array;
  readonly content: Uint8Array;
}

/** One block of a piece; null where it is not what was written. */
export interface PieceBlock {
  readonly seq: number;
  readonly block: CapturedBlock | null;
}

/**
 * Captured blocks from `fromSeq` on, oldest first. The outbox must not be written while this is walked.
 * @throws BlocksDamagedError when one is not what was written
 */
export function* walkBlocks(outbox: Outbox, fromSeq: number): Generator<{ seq: number; block: CapturedBlock }> {
  const rows = outbox
    .sql(`SELECT seq, blocks, crc, lines, content FROM pieces
      WHERE seq >= coalesce((SELECT max(seq) FROM pieces WHERE seq <= ?), 0) ORDER BY seq`)
    .iterate(fromSeq) as unknown as Iterable<PieceRow>;
  for (const row of rows) {
    if (row.seq + row.blocks <= fromSeq) continue;
    for (const { seq, block } of blocksOfPiece(row)) {
      if (seq < fromSeq) continue;
      if (block === null) {
        const until = row.seq + row.blocks;
        throw new BlocksDamagedError(`Captured block ${seq} is damaged on this disk.`, { fromSeq: seq, toSeq: until });
      }
      yield { seq, block };
    }
  }
}

/** Every block of a piece, each looked at by its own CRC; where sizes and metas themselves are damaged, none is known. */
export function* blocksOfPiece(row: PieceRow): Generator<PieceBlock> {
  const lines = linesOfPiece(row);
  const bytes = row.content instanceof Uint8Array ? row.content : new Uint8Array(0);
  let at = 0;
  for (let number = 0; number < (lines?.length ?? row.blocks); number++) {
    const line = lines?.[number];
    const content = bytes.subarray(at, at + (line?.size ?? 0));
    at += content.length;
    const isSound = line !== undefined && content.length === line.size && crc32(content) === line.crc;
    yield { seq: row.seq + number, block: isSound ? { content, meta: metaOf(line) } : null };
  }
}

/** Sizes and metas of a piece's blocks; null where they are not what was written. */
export function linesOfPiece({ seq, crc, lines }: Pick<PieceRow, 'seq' | 'crc' | 'lines'>): PieceLine[] | null {
  return lines instanceof Uint8Array && crc32(lines) === crc ? decodeLines(lines, seq) : null;
}

/** The same, where nothing can go on without them. @throws BlocksDamagedError */
export function soundLines(row: Omit<PieceRow, 'content'>): PieceLine[] {
  const lines = linesOfPiece(row);
  if (lines !== null) return lines;
  const [fromSeq, toSeq] = [row.seq, row.seq + row.blocks];
  throw new BlocksDamagedError(`Captured blocks ${fromSeq} to ${toSeq - 1} are damaged on this disk.`, {
    ...{ fromSeq, toSeq },
  });
}

/** Captured blocks `fromSeq` … `toSeq` - 1, as many as are there. @throws BlocksDamagedError */
export function readBlocks(outbox: Outbox, fromSeq: number, toSeq: number): CapturedBlock[] {
  const found: CapturedBlock[] = [];
  for (const { seq, block } of walkBlocks(outbox, fromSeq)) {
    if (seq >= toSeq) break;
    found.push(block);
    if (seq === toSeq - 1) break;
  }
  return found;
}
