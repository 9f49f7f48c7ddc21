import { crc32 } from 'node:zlib';
import { insertPiece } from './append-blocks.ts';
import { stateNumber } from './batch-rows.ts';
import { insertGap } from './gap-note.ts';
import { cutBatches } from './log-end.ts';
import { keepLoss } from './losses.ts';
import type { Outbox } from './open-outbox.ts';
import { joinLines, metaOf, type PieceLine } from './piece-lines.ts';
import { sealedSeq } from './read-backlog.ts';
import { blocksOfPiece, linesOfPiece, type PieceBlock, type PieceRow } from './read-blocks.ts';

/** What was set aside: blocks that are not what was captured. */
export interface SetAside {
  readonly blocks: number;
  readonly bytes: number;
}

interface WholeRow extends PieceRow {
  readonly bytes: number;
  readonly at_ms: number;
  readonly gap: number;
}

/**
 * Sets aside every damaged block of a range, and leaves a note of the gap in the place of each run of them; the others of its
 * piece stay. Batches from the first on that held one and is not stored are unsealed again: planned anew, they draw another
 * nonce, so that no key is used twice. What is stored is left alone: the storage has it.
 */
export function setAsideDamaged(outbox: Outbox, fromSeq: number, toSeq: number, nowMs: number): SetAside {
  return outbox.commit(() => {
    const found = { blocks: 0, bytes: 0 };
    for (const { seq } of piecesIn(outbox, fromSeq, toSeq)) {
      const piece = readPiece(outbox, seq);
      const damaged = piece.damaged.filter((one) => mayBeCut(outbox, one));
      if (damaged.length === 0) continue;
      cutAt(outbox, damaged);
      const lost = replaceDamaged(outbox, piece, nowMs);
      found.blocks += lost.blocks;
      found.bytes += lost.bytes;
    }
    if (found.blocks > 0) {
      outbox
        .sql('UPDATE counters SET dropped_blocks = dropped_blocks + ?, dropped_bytes = dropped_bytes + ?')
        .run(found.blocks, found.bytes);
      keepLoss(outbox, { kind: 'damaged', atMs: nowMs, ...found }, true);
    }
    return found;
  });
}

function piecesIn(outbox: Outbox, fromSeq: number, toSeq: number): { seq: number }[] {
  return outbox
    .sql(`SELECT seq FROM pieces WHERE seq < ? AND seq >= coalesce((SELECT max(seq) FROM pieces WHERE seq <= ?), 0)
      ORDER BY seq`)
    .all(toSeq, fromSeq) as { seq: number }[];
}

/** A piece, and which of its blocks are not what was captured. */
interface Piece {
  readonly row: WholeRow;
  readonly lines: readonly PieceLine[] | null;
  readonly blocks: readonly PieceBlock[];
  readonly damaged: readonly number[];
}

function readPiece(outbox: Outbox, seq: number): Piece {
  const row = outbox.sql('SELECT * FROM pieces WHERE seq = ?').get(seq) as unknown as WholeRow;
  const until = nextPieceSeq(outbox, seq);
  const blocks = [...blocksOfPiece({ ...row, blocks: Math.min(row.blocks, until - seq) })];
  const lines = linesOfPiece(row);
  const damaged = blocks.flatMap((one) => (one.block === null ? [one.seq] : []));
  return { row, lines, blocks, damaged };
}

function mayBeCut(outbox: Outbox, seq: number): boolean {
  const batch = outbox.sql('SELECT state FROM batches WHERE from_seq <= ? AND to_seq > ?').get(seq, seq);
  return batch === undefined || (batch.state as number) < stateNumber('stored');
}

/** Batches from the first on that holds one of these blocks; what follows it was made as its continuation. */
function cutAt(outbox: Outbox, [seq]: readonly number[]): void {
  const batch = outbox
    .sql('SELECT first FROM batches WHERE from_seq <= ? AND to_seq > ?')
    .get(seq as number, seq as number);
  if (batch !== undefined) cutBatches(outbox, batch.first as number);
}

/** Writes the unsealed part of a piece anew: the runs of sound blocks as pieces, each run of damaged ones as one note. */
function replaceDamaged(outbox: Outbox, piece: Piece, nowMs: number): SetAside {
  const { row, blocks } = piece;
  const from = Math.max(row.seq, sealedSeq(outbox));
  keepFront(outbox, piece, from - row.seq);
  const lost = { blocks: 0, bytes: 0 };
  let run: PieceBlock[] = [];
  const close = (): void => {
    const [first, last] = [run[0], run.at(-1)];
    if (first === undefined || last === undefined) return;
    if (first.block === null) {
      const note = noteOf(outbox, piece, run);
      insertGap(outbox, last.seq, note, { beginsStretch: note.beginsStretch, nowMs });
      lost.blocks += note.droppedBlocks;
      lost.bytes += note.droppedBytes;
    } else {
      const sound = run.flatMap(({ block }) => block ?? []);
      insertPiece(outbox, first.seq, sound, row.at_ms, row.gap === 1);
    }
    run = [];
  };
  for (const one of blocks) {
    if (one.seq < from) continue;
    if (run[0] !== undefined && (run[0].block === null) !== (one.block === null)) close();
    run.push(one);
  }
  close();
  return lost;
}

/** Keeps the first blocks of a piece as they are: they are in batches. */
function keepFront(outbox: Outbox, { row, lines }: Piece, count: number): void {
  outbox.sql('DELETE FROM pieces WHERE seq = ?').run(row.seq);
  if (count === 0) return;
  const kept = lines?.slice(0, count) ?? [];
  const bytes = kept.reduce((sum, { size }) => sum + size, 0);
  const encoded = joinLines(kept);
  outbox
    .sql('INSERT INTO pieces (seq, blocks, bytes, at_ms, gap, crc, lines, content) VALUES (?, ?, ?, ?, ?, ?, ?, ?)')
    .run(
      ...[row.seq, count, bytes, row.at_ms, row.gap],
      // Of one whose lines are damaged nothing is known, and nothing must seem to be.
      ...[lines === null ? 1 : crc32(encoded), encoded, row.content.subarray(0, bytes)],
    );
}

function noteOf(outbox: Outbox, { row, lines }: Piece, run: readonly PieceBlock[]) {
  const gone = run.flatMap(({ seq }) => lines?.[seq - row.seq] ?? []);
  const metas = gone.map(metaOf);
  const times = metas.length === 0 ? [row.at_ms] : metas.map(({ at }) => at);
  return {
    droppedBlocks: run.length,
    droppedBytes: lines === null ? row.bytes : gone.reduce((sum, { size }) => sum + size, 0),
    ...{ fromMs: Math.min(...times), toMs: Math.max(...times) },
    files: new Set(lines === null ? filesIn(outbox, run) : metas.flatMap(({ name }) => name ?? [])),
    reason: 'damaged' as const,
    beginsStretch: metas.some(({ clock }) => clock === 2),
  };
}

/** Files that have blocks there, by what is known of files: the blocks' own names are damaged, too. */
function filesIn(outbox: Outbox, run: readonly PieceBlock[]): string[] {
  const [first, last] = [run[0]?.seq ?? 0, run.at(-1)?.seq ?? 0];
  return outbox
    .sql(`SELECT coalesce(captured_as, path) AS name FROM files WHERE end_seq > ? AND end_seq - captured_parts <= ?
      ORDER BY end_seq`)
    .all(first, last)
    .map(({ name }) => name as string);
}

function nextPieceSeq(outbox: Outbox, seq: number): number {
  const row = outbox.sql('SELECT min(seq) AS seq FROM pieces WHERE seq > ?').get(seq);
  return (row?.seq as number | null) ?? Number.MAX_SAFE_INTEGER;
}
