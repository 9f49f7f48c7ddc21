import type { DatasetWriter } from '../../core/batch/seal-batch.ts';
import { encryptContent } from '../../core/block/content-cipher.ts';
import { contentBatchKey, contentKey, readKey } from '../../core/block/content-keys.ts';
import { equalBytes } from '../../core/bytes.ts';
import type { Nonce } from '../../core/ids.ts';
import { GCM_TAG_BYTES } from '../../core/limits.ts';
import type { Primitives } from '../../core/ports/primitives.ts';
import type { Outbox } from '../outbox/open-outbox.ts';

/** Where a block of the log stands, and what is stored there. */
export interface StoredBlock {
  readonly index: number;
  /** Of its batch; null when plain. */
  readonly nonce: Nonce | null;
  readonly size: number;
  readonly sha256: Uint8Array;
}

/** Whether this content is what a block of the log holds. Without downloading it: encrypted there, it has that hash. */
export function isStoredAs(
  primitives: Primitives,
  writer: DatasetWriter,
  { index, nonce, size, sha256 }: StoredBlock,
  content: Uint8Array,
): boolean {
  if (content.length + (nonce === null ? 0 : GCM_TAG_BYTES) !== size) return false;
  if (nonce === null) return equalBytes(primitives.sha256(content), sha256);
  const key = contentKey(primitives, contentBatchKey(primitives, readKey(primitives, writer.datasetKey), nonce), index);
  const stored = encryptContent(primitives, key, { dataset: writer.dataset, index }, content);
  return equalBytes(primitives.sha256(stored), sha256);
}

/** Stands for the count of parts where a block is a piece of a growing file; its `part` is the byte that it begins at. */
export const PIECE_PARTS = 0;

/**
 * How many bytes of a growing file, from a byte on, an adopted batch holds as one piece; 0 when it holds none.
 * @param readPiece so many bytes of the file from there on, fewer when it ends before
 */
export async function findPieceInLog(
  parts: { readonly primitives: Primitives; readonly outbox: Outbox; readonly writer: DatasetWriter },
  { name, from }: { readonly name: string; readonly from: number },
  readPiece: (sizeBytes: number) => Promise<Uint8Array>,
): Promise<number> {
  const { primitives, outbox, writer } = parts;
  const rows = outbox
    .sql('SELECT idx, size, nonce, sha256 FROM adopted_parts WHERE name = ? AND parts = ? AND part = ? ORDER BY idx')
    .all(name, PIECE_PARTS, from) as { idx: number; size: number; nonce: Nonce; sha256: Uint8Array }[];
  for (const { idx, size, nonce, sha256 } of rows) {
    const isPlain = nonce.length === 0;
    const content = await readPiece(size - (isPlain ? 0 : GCM_TAG_BYTES));
    const place = { index: idx, nonce: isPlain ? null : nonce, size, sha256 };
    if (isStoredAs(primitives, writer, place, content)) return content.length;
  }
  return 0;
}

/**
 * Whether a file, from part `fromPart` on, stands in an adopted batch byte for byte: it was captured by an outbox that
 * this one has taken the place of.
 * @param readPart content of one part, null when it cannot be read
 */
export async function findInLog(
  parts: { readonly primitives: Primitives; readonly outbox: Outbox; readonly writer: DatasetWriter },
  file: { readonly name: string; readonly parts: number; readonly fromPart: number },
  readPart: (part: number) => Promise<Uint8Array | null>,
): Promise<boolean> {
  const { primitives, outbox, writer } = parts;
  const rows = outbox
    .sql('SELECT idx, part, size, nonce, sha256 FROM adopted_parts WHERE name = ? AND parts = ? ORDER BY idx')
    .all(file.name, file.parts) as { idx: number; part: number; size: number; nonce: Nonce; sha256: Uint8Array }[];
  const starts = rows.flatMap((row, at) => (row.part === file.fromPart ? [at] : []));
  for (const start of starts) {
    let part = file.fromPart;
    for (const row of rows.slice(start)) {
      if (row.part !== part) break;
      const content = await readPart(part);
      const nonce = row.nonce.length === 0 ? null : row.nonce;
      const place = { index: row.idx, nonce, size: row.size, sha256: row.sha256 };
      if (content === null || !isStoredAs(primitives, writer, place, content)) break;
      part++;
      if (part === file.parts) return true;
    }
  }
  return false;
}
