import { equalBytes, utf8 } from '../bytes.ts';
import { SegmentError } from '../errors.ts';

/** One section of a CARv1 file: its CID, its data, and where they stand. */
export interface Frame {
  readonly cid: Uint8Array;
  readonly data: Uint8Array;
  /** Offset of the data's first byte. */
  readonly start: number;
  readonly end: number;
}

/** CIDv1 with a one-byte codec and sha2-256. */
export const CID_BYTES = 36;

// dag-cbor {roots: [CID], version: 1}, up to and behind the CID's 36 bytes.
const HEADER_BEFORE = Uint8Array.of(0x3a, 0xa2, 0x65, ...utf8('roots'), 0x81, 0xd8, 0x2a, 0x58, 0x25, 0x00);
const HEADER_AFTER = Uint8Array.of(0x67, ...utf8('version'), 0x01);
export const HEADER_BYTES = HEADER_BEFORE.length + CID_BYTES + HEADER_AFTER.length;

/** The one root of a CARv1 file. @throws SegmentError when the header is spelled in any other way than the canonical one */
export function readCarHeader(bytes: Uint8Array): Uint8Array {
  const before = bytes.subarray(0, HEADER_BEFORE.length);
  const after = bytes.subarray(HEADER_BEFORE.length + CID_BYTES, HEADER_BYTES);
  if (!equalBytes(before, HEADER_BEFORE) || !equalBytes(after, HEADER_AFTER)) {
    throw new SegmentError('This is not the header of a CARv1 file with one 36-byte root.', 'byte 0');
  }
  return bytes.subarray(HEADER_BEFORE.length, HEADER_BEFORE.length + CID_BYTES);
}

/** The section at `at`. @throws SegmentError when it is empty, too long, or not all there */
export function readFrame(bytes: Uint8Array, at: number, mostDataBytes: number): Frame {
  const { value, next } = readFrameLength(bytes, at, mostDataBytes);
  const end = next + value;
  if (end > bytes.length) {
    throw new SegmentError(`The segment ends at ${bytes.length}, inside a section.`, `byte ${at}`);
  }
  const start = next + CID_BYTES;
  return { cid: bytes.subarray(next, start), data: bytes.subarray(start, end), start, end };
}

/** How long the section at `at` is, CID included, and where it begins. @throws SegmentError */
export function readFrameLength(
  bytes: Uint8Array,
  at: number,
  mostDataBytes: number,
): { readonly value: number; readonly next: number } {
  const length = readVarint(bytes, at);
  if (length.value <= CID_BYTES || length.value > CID_BYTES + mostDataBytes) {
    throw new SegmentError(`A section of ${length.value} bytes is not allowed here.`, `byte ${at}`);
  }
  return length;
}

/** Bytes of a whole section with so much data. */
export function frameBytes(dataBytes: number): number {
  const section = CID_BYTES + dataBytes;
  return (section < 0x80 ? 1 : section < 0x4000 ? 2 : 3) + section;
}

function readVarint(bytes: Uint8Array, at: number): { value: number; next: number } {
  let value = 0;
  // Three groups of seven bits reach 2 MiB: more than any section may have.
  for (let i = 0; i < 3; i++) {
    const byte = bytes[at + i];
    if (byte === undefined) throw new SegmentError('The segment ends inside a length.', `byte ${at}`);
    value += (byte & 0x7f) * 2 ** (7 * i);
    if (byte < 0x80) {
      if (byte === 0 && i > 0) throw new SegmentError('A length is not in its shortest form.', `byte ${at}`);
      return { value, next: at + i + 1 };
    }
  }
  throw new SegmentError('A length exceeds every allowed section.', `byte ${at}`);
}
