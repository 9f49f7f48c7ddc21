import { type GapReason, insertGap, parseGap } from './gap-note.ts';
import type { Outbox } from './open-outbox.ts';
import { metaOf, type PieceLine } from './piece-lines.ts';
import { sealedSeq } from './read-backlog.ts';
import { linesOfPiece } from './read-blocks.ts';

interface OldPiece {
  seq: number;
  blocks: number;
  bytes: number;
  gap: number;
  crc: number;
  lines: Uint8Array;
  content: Uint8Array | null;
}

/**
 * Drops the oldest unsealed pieces, `bytes` at least if there are as many, and leaves one note in their place. The note has
 * a name, so that it never becomes a line of the stream; notes next to each other are made one.
 */
export function dropOldest(outbox: Outbox, bytes: number, nowMs: number): { blocks: number; bytes: number } {
  return outbox.commit(() => {
    const gap: Gap = {
      ...{ blocks: 0, bytes: 0, fromMs: Number.MAX_SAFE_INTEGER, toMs: 0, beginsStretch: false },
      files: new Set<string>(),
      reason: undefined,
    };
    const dropped = { blocks: 0, bytes: 0 };
    const from = sealedSeq(outbox);
    const rows = outbox
      .sql(`SELECT seq, blocks, bytes, gap, crc, lines, iif(gap = 1, content, NULL) AS content FROM pieces
        WHERE seq >= ? ORDER BY seq`)
      .iterate(from) as unknown as Iterable<OldPiece>;
    const seqs: number[] = [];
    // The note takes the last dropped block's number: numbers are never given twice.
    let at = from;
    for (const piece of rows) {
      if (dropped.bytes >= bytes && piece.gap === 0) break;
      seqs.push(piece.seq);
      at = piece.seq + piece.blocks - 1;
      if (piece.gap === 1) addNote(gap, piece.content as Uint8Array);
      else addPiece(gap, dropped, piece);
      gap.beginsStretch ||= linesOf(piece).some((line) => metaOf(line).clock === 2);
    }
    if (dropped.blocks === 0) return dropped;
    for (const seq of seqs) outbox.sql('DELETE FROM pieces WHERE seq = ?').run(seq);
    const { files, beginsStretch, reason } = gap;
    const note = {
      ...{ droppedBlocks: gap.blocks, droppedBytes: gap.bytes, fromMs: gap.fromMs, toMs: gap.toMs, files },
      ...(reason === undefined ? {} : { reason }),
    };
    insertGap(outbox, at, note, { beginsStretch, nowMs });
    outbox
      .sql('UPDATE counters SET dropped_blocks = dropped_blocks + ?, dropped_bytes = dropped_bytes + ?')
      .run(dropped.blocks, dropped.bytes);
    return dropped;
  });
}

interface Gap {
  blocks: number;
  bytes: number;
  fromMs: number;
  toMs: number;
  beginsStretch: boolean;
  readonly files: Set<string>;
  /** Of an older note among what is dropped. */
  reason: GapReason | undefined;
}

function addPiece(gap: Gap, dropped: { blocks: number; bytes: number }, piece: OldPiece): void {
  for (const line of linesOf(piece)) {
    const { at, name } = metaOf(line);
    gap.fromMs = Math.min(gap.fromMs, at);
    gap.toMs = Math.max(gap.toMs, at);
    if (name !== undefined) gap.files.add(name);
  }
  gap.blocks += piece.blocks;
  gap.bytes += piece.bytes;
  dropped.blocks += piece.blocks;
  dropped.bytes += piece.bytes;
}

/** Of a piece whose lines are damaged only its counts are known. */
function linesOf(piece: OldPiece): readonly PieceLine[] {
  return linesOfPiece(piece) ?? [];
}

function addNote(gap: Gap, content: Uint8Array): void {
  const note = parseGap(content);
  gap.blocks += note.droppedBlocks;
  gap.bytes += note.droppedBytes;
  gap.fromMs = Math.min(gap.fromMs, note.fromMs);
  gap.toMs = Math.max(gap.toMs, note.toMs);
  for (const file of note.files) gap.files.add(file);
  gap.reason ??= note.reason;
}
