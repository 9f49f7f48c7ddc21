/** A row of `pieces` as its page holds it: where it begins, and what its record's header says. */
export interface PieceCell {
  readonly seq: number;
  /** Of the payload in the page itself; the rest is in overflow pages. */
  readonly localAt: number;
  readonly localBytes: number;
  readonly payloadBytes: number;
  /** The first overflow page; 0 when there is none. */
  readonly overflow: number;
  /** Within the payload. */
  readonly fields: PieceFields;
}

interface Field {
  readonly at: number;
  readonly bytes: number;
}

interface PieceFields {
  readonly crc: Field;
  readonly lines: Field;
  readonly content: Field;
}

/** Columns of `pieces` (schema.ts): seq, which is the row's id and stored as null, five numbers, two blobs. */
const COLUMNS = 8;
const MOST_HEADER_BYTES = 24;
const INTEGER_BYTES = [0, 1, 2, 3, 4, 6, 8, 0, 0, 0];

/**
 * Rows of `pieces` in one page, whatever its type byte and its list of cells say: by the look of their records' headers. What
 * only looks like one is found out by its CRCs.
 */
export function* findCells(page: Uint8Array): Generator<PieceCell> {
  for (let at = 2; at < page.length - COLUMNS; at++) {
    const headerBytes = page[at] as number;
    if (headerBytes <= COLUMNS || headerBytes > MOST_HEADER_BYTES || page[at + 1] !== 0) continue;
    const fields = readFields(page, at, headerBytes);
    if (fields === null) continue;
    const payloadBytes = fields.content.at + fields.content.bytes;
    const seq = readRowId(page, at, payloadBytes);
    if (seq === null) continue;
    const localBytes = localBytesOf(payloadBytes, page.length);
    const end = at + localBytes;
    const isWhole = localBytes === payloadBytes;
    if (end + (isWhole ? 0 : 4) > page.length) continue;
    const overflow = isWhole ? 0 : new DataView(page.buffer, page.byteOffset + end, 4).getUint32(0);
    yield { seq, localAt: at, localBytes, payloadBytes, overflow, fields };
  }
}

/** Null where the header is not one of a piece. */
function readFields(page: Uint8Array, at: number, headerBytes: number): PieceFields | null {
  const types: number[] = [];
  let next = at + 1;
  while (next < at + headerBytes) {
    const read = readVarint(page, next);
    if (read === null) return null;
    types.push(read.value);
    next = read.next;
  }
  if (next !== at + headerBytes || types.length !== COLUMNS || types[0] !== 0) return null;
  const fields: Field[] = [];
  let field = headerBytes;
  for (const [column, type] of types.entries()) {
    const isBlob = column >= COLUMNS - 2;
    if (isBlob ? type < 12 || type % 2 !== 0 : type > 9 || type === 7) return null;
    const bytes = isBlob ? (type - 12) / 2 : (INTEGER_BYTES[type] as number);
    fields.push({ at: field, bytes });
    field += bytes;
  }
  const [crc, lines, content] = fields.slice(COLUMNS - 3) as [Field, Field, Field];
  return crc.bytes === 0 || crc.bytes > 6 || lines.bytes === 0 ? null : { crc, lines, content };
}

/** In front of the header stand the payload's size and the row's id; null where the size is another. */
function readRowId(page: Uint8Array, at: number, payloadBytes: number): number | null {
  for (let start = at - 2; start >= 0 && start >= at - 18; start--) {
    const size = readVarint(page, start);
    if (size === null || size.value !== payloadBytes) continue;
    const id = readVarint(page, size.next);
    if (id !== null && id.next === at) return id.value;
  }
  return null;
}

/** How much of a payload is in the page itself (SQLite's file format, 1.6, for a leaf of a table). */
function localBytesOf(payloadBytes: number, pageBytes: number): number {
  if (payloadBytes <= pageBytes - 35) return payloadBytes;
  const least = Math.floor(((pageBytes - 12) * 32) / 255) - 23;
  const local = least + ((payloadBytes - least) % (pageBytes - 4));
  return local <= pageBytes - 35 ? local : least;
}

/** SQLite's variable-length number; null when it is longer than eight bytes, which no number of ours is. */
function readVarint(bytes: Uint8Array, at: number): { readonly value: number; readonly next: number } | null {
  let value = 0;
  for (let n = 0; n < 8 && at + n < bytes.length; n++) {
    const byte = bytes[at + n] as number;
    value = value * 128 + (byte & 0x7f);
    if (byte < 0x80) return { value, next: at + n + 1 };
  }
  return null;
}
