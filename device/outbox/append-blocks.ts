import { crc32 } from 'node:zlib';
import type { CapturedBlock } from '../../core/batch/seal-batch.ts';
import type { Outbox } from './open-outbox.ts';
import { encodeLines } from './piece-lines.ts';
import { nextSeq } from './read-backlog.ts';

/** What a source gives to be kept, all of it in one commit. */
export interface CaptureEntry {
  readonly blocks: readonly CapturedBlock[];
  /** Bytes of the stream these blocks continue; 0 for named files. */
  readonly streamBytes?: number;
  /** What is known of a file once these blocks are kept. */
  readonly file?: {
    readonly path: string;
    readonly identity: string;
    readonly parts: number;
    readonly capturedParts: number;
    /** Bytes of each of its parts but the last, and the hash of those captured (capture-file.ts). */
    readonly partBytes?: number;
    readonly contentHash?: Uint8Array;
  };
  /** Writes in the same commit what the source must know once these blocks are kept. May be called again. */
  readonly beside?: () => void;
}

// A piece is read whole to seal a part of it.
const MAX_PIECE_BYTES = 4 * 2 ** 20;

/** Adds entries in order. The caller commits. */
export function appendBlocks(outbox: Outbox, entries: readonly CaptureEntry[], atMs: number): void {
  let seq = nextSeq(outbox);
  let piece: CapturedBlock[] = [];
  let pieceBytes = 0;
  let bytes = 0;
  let streamBytes = 0;
  const begin = seq;
  const closePiece = (): void => {
    if (piece.length > 0) insertPiece(outbox, seq - piece.length, piece, atMs, false);
    piece = [];
    pieceBytes = 0;
  };
  for (const entry of entries) {
    for (const block of entry.blocks) {
      if (pieceBytes + block.content.length > MAX_PIECE_BYTES) closePiece();
      piece.push(block);
      pieceBytes += block.content.length;
      bytes += block.content.length;
      seq++;
    }
    streamBytes += entry.streamBytes ?? 0;
    // Without blocks it stands in the log already: 0 belongs to no block of this outbox.
    if (entry.file !== undefined) noteFile(outbox, entry.file, entry.blocks.length === 0 ? 0 : seq);
    entry.beside?.();
  }
  closePiece();
  if (seq === begin) return;
  outbox
    .sql('UPDATE counters SET blocks = blocks + ?, bytes = bytes + ?, stream_bytes = stream_bytes + ?')
    .run(seq - begin, bytes, streamBytes);
}

/** Writes one piece; `gap` marks a note of dropped blocks. */
export function insertPiece(
  outbox: Outbox,
  seq: number,
  blocks: readonly CapturedBlock[],
  atMs: number,
  gap: boolean,
): void {
  const content = Buffer.concat(blocks.map((block) => block.content));
  const lines = encodeLines(blocks);
  outbox
    .sql('INSERT INTO pieces (seq, blocks, bytes, at_ms, gap, crc, lines, content) VALUES (?, ?, ?, ?, ?, ?, ?, ?)')
    .run(seq, blocks.length, content.length, atMs, Number(gap), crc32(lines), lines, content);
}

function noteFile(outbox: Outbox, file: NonNullable<CaptureEntry['file']>, endSeq: number): void {
  const { path, identity, parts, capturedParts, partBytes = null, contentHash = null } = file;
  outbox
    .sql(`INSERT INTO files (path, identity, parts, captured_parts, end_seq, part_bytes, content_hash)
      VALUES (?, ?, ?, ?, ?, ?, ?)
      ON CONFLICT (path) DO UPDATE SET identity = excluded.identity, parts = excluded.parts,
        captured_parts = excluded.captured_parts, part_bytes = excluded.part_bytes, content_hash = excluded.content_hash,
        gone_ms = NULL, captured_as = NULL, end_seq = iif(files.end_seq = -1 AND files.identity = excluded.identity, -1, excluded.end_seq)`)
    .run(path, identity, parts, capturedParts, endSeq, partBytes, contentHash);
}
