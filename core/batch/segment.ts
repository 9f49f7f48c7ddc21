import * as CarWriter from '@ipld/car/buffer-writer';
import type { CID } from 'multiformats/cid';
import { type Opening, openBlock } from '../block/digest.ts';
import { equalBytes, toHex, utf8 } from '../bytes.ts';
import { SegmentError } from '../errors.ts';
import type { DatasetId, ObjectId } from '../ids.ts';
import { MAX_MANIFEST_BYTES, MAX_SEGMENT_BYTES } from '../limits.ts';
import type { Primitives } from '../ports/primitives.ts';
import { decodeManifest, encodeManifest, type Manifest, rawCid, sha256Cid } from './manifest.ts';

type Hasher = Pick<Primitives, 'sha256'>;

/** A stored object that holds one batch, as written. */
export interface Segment {
  readonly car: Uint8Array;
  readonly sha256: Uint8Array;
  readonly key: string;
}

/** The front of a segment: enough to find every block in the rest. */
export interface SegmentFront {
  readonly manifest: Manifest;
  /** Bytes from the start to the end of the manifest. */
  readonly frontBytes: number;
  /** Bytes of the whole segment, by the manifest's word. */
  readonly segmentBytes: number;
  /** Offset of each block's first byte. */
  readonly offsets: readonly number[];
}

const DAG_CBOR = 0x71;
const CID_BYTES = 36;
// dag-cbor {roots: [CID], version: 1}, up to and behind the CID's 36 bytes.
const HEADER_BEFORE = Uint8Array.of(0x3a, 0xa2, 0x65, ...utf8('roots'), 0x81, 0xd8, 0x2a, 0x58, 0x25, 0x00);
const HEADER_AFTER = Uint8Array.of(0x67, ...utf8('version'), 0x01);
const HEADER_BYTES = HEADER_BEFORE.length + CID_BYTES + HEADER_AFTER.length;
/** No front of a valid segment is longer. */
export const MAX_FRONT_BYTES = HEADER_BYTES + 3 + CID_BYTES + MAX_MANIFEST_BYTES;

/**
 * Writes a CARv1 file: the manifest as the one root, first, then the blocks in order as raw leaves (design §4).
 * `blocks` are the stored bytes that the manifest lists, in its order.
 */
export function buildSegment(hasher: Hasher, manifest: Manifest, blocks: readonly Uint8Array[]): Segment {
  const manifestBytes = encodeManifest(manifest);
  const root = sha256Cid(DAG_CBOR, hasher.sha256(manifestBytes));
  const front = HEADER_BYTES + frameBytes(manifestBytes.length);
  const total = manifest.blocks.reduce((sum, block) => sum + frameBytes(block.size), front);
  const writer = CarWriter.createWriter(new ArrayBuffer(total), { roots: [root], headerSize: HEADER_BYTES });
  writer.write({ cid: root, bytes: manifestBytes });
  for (const [number, block] of manifest.blocks.entries()) {
    const bytes = blocks[number];
    if (bytes?.length !== block.size) throw new SegmentError('The block has not the listed size.', `block ${number}`);
    writer.write({ cid: rawCid(block.sha256), bytes });
  }
  const car = writer.close();
  const sha256 = hasher.sha256(car);
  return { car, sha256, key: segmentKey(manifest.dataset, manifest.first, sha256) };
}

/** `<dataset>/<first>/<sha256 of the CAR>.car`: content-addressed, so a repeated PUT is harmless. */
export function segmentKey(dataset: DatasetId, first: number, sha256: Uint8Array): string {
  return `${dataset.slice(2)}/${String(first).padStart(16, '0')}/${toHex(sha256)}.car`;
}

/** What a segment's key says, or null when it is not one. */
export function parseSegmentKey(key: string): { dataset: DatasetId; first: number; sha256Hex: string } | null {
  const match = /^([0-9a-f]{64})\/([0-9]{16})\/([0-9a-f]{64})\.car$/.exec(key);
  const [, dataset, digits, sha256Hex] = match ?? [];
  if (dataset === undefined || digits === undefined || sha256Hex === undefined) return null;
  const first = Number(digits);
  return Number.isSafeInteger(first) ? { dataset: `0x${dataset}` as DatasetId, first, sha256Hex } : null;
}

/**
 * Reads header and manifest from the first bytes of a segment (MAX_FRONT_BYTES always suffice).
 * @throws SegmentError
 */
export function readSegmentFront(hasher: Hasher, bytes: Uint8Array): SegmentFront {
  const root = readHeader(bytes);
  const frame = readFrame(bytes, HEADER_BYTES, MAX_MANIFEST_BYTES);
  if (!equalBytes(frame.cid, root))
    throw new SegmentError('The first section is not the root.', `byte ${HEADER_BYTES}`);
  requireCid(frame.cid, sha256Cid(DAG_CBOR, hasher.sha256(frame.data)), frame.start);
  const manifest = decodeManifest(frame.data);
  const offsets: number[] = [];
  let end = frame.end;
  for (const block of manifest.blocks) {
    end += frameBytes(block.size);
    offsets.push(end - block.size);
  }
  return { manifest, frontBytes: frame.end, segmentBytes: end, offsets };
}

/** How many bytes the front of a segment has, from its first 98 bytes or more. @throws SegmentError */
export function frontBytesOf(bytes: Uint8Array): number {
  readHeader(bytes);
  const { value, next } = readVarint(bytes, HEADER_BYTES);
  if (value <= CID_BYTES || value > CID_BYTES + MAX_MANIFEST_BYTES) {
    throw new SegmentError(`A manifest of ${value - CID_BYTES} bytes is not allowed.`, `byte ${HEADER_BYTES}`);
  }
  return next + value;
}

/**
 * Reads a whole segment and checks everything that can be seen without keys and without the rest of the log: framing,
 * order, completeness, every CID, size and chunk root.
 * @throws SegmentError that says what is wrong and where
 */
export function readSegment(
  hasher: Hasher,
  car: Uint8Array,
): SegmentFront & { readonly blocks: readonly Uint8Array[]; readonly openings: readonly Opening[] } {
  if (car.length > MAX_SEGMENT_BYTES) {
    throw new SegmentError(`The segment has ${car.length} bytes; at most ${MAX_SEGMENT_BYTES} fit.`, 'segment');
  }
  const front = readSegmentFront(hasher, car);
  const blocks: Uint8Array[] = [];
  const openings: Opening[] = [];
  let at = front.frontBytes;
  for (const [number, listed] of front.manifest.blocks.entries()) {
    const frame = readFrame(car, at, listed.size);
    if (frame.data.length !== listed.size) {
      throw new SegmentError(
        `It has ${frame.data.length} bytes; ${listed.size} are listed.`,
        `block ${number}, byte ${at}`,
      );
    }
    if (!equalBytes(frame.cid, rawCid(listed.sha256).bytes)) {
      throw new SegmentError('Its CID is not the listed one.', `block ${number}, byte ${at}`);
    }
    const opening = openBlock(hasher, frame.data, listed.meta);
    if (!equalBytes(opening.sha256, listed.sha256)) {
      throw new SegmentError('Its bytes do not hash to its CID.', `block ${number}, byte ${frame.start}`);
    }
    if (!equalBytes(opening.chunkRoot, listed.chunkRoot)) {
      throw new SegmentError(
        'Its chunks do not hash to the listed chunk root.',
        `block ${number}, byte ${frame.start}`,
      );
    }
    blocks.push(frame.data);
    openings.push(opening);
    at = frame.end;
  }
  if (at !== car.length) throw new SegmentError(`${car.length - at} bytes follow the last block.`, `byte ${at}`);
  return { ...front, blocks, openings };
}

/** Where storage keeps each block's bytes. */
export function objectIds(front: SegmentFront, key: string): ObjectId[] {
  return front.manifest.blocks.map((block, number) => ({
    key,
    offset: front.offsets[number] as number,
    size: block.size,
  }));
}

interface Frame {
  readonly cid: Uint8Array;
  readonly data: Uint8Array;
  readonly start: number;
  readonly end: number;
}

function readHeader(bytes: Uint8Array): Uint8Array {
  const before = bytes.subarray(0, HEADER_BEFORE.length);
  const after = bytes.subarray(HEADER_BEFORE.length + CID_BYTES, HEADER_BYTES);
  if (!equalBytes(before, HEADER_BEFORE) || !equalBytes(after, HEADER_AFTER)) {
    throw new SegmentError('This is not the header of a CARv1 file with one 36-byte root.', 'byte 0');
  }
  return bytes.subarray(HEADER_BEFORE.length, HEADER_BEFORE.length + CID_BYTES);
}

function readFrame(bytes: Uint8Array, at: number, mostDataBytes: number): Frame {
  const { value, next } = readVarint(bytes, at);
  if (value <= CID_BYTES || value > CID_BYTES + mostDataBytes) {
    throw new SegmentError(`A section of ${value} bytes is not allowed here.`, `byte ${at}`);
  }
  const end = next + value;
  if (end > bytes.length)
    throw new SegmentError(`The segment ends at ${bytes.length}, inside a section.`, `byte ${at}`);
  const start = next + CID_BYTES;
  return { cid: bytes.subarray(next, start), data: bytes.subarray(start, end), start, end };
}

function requireCid(found: Uint8Array, wanted: CID, at: number): void {
  if (!equalBytes(found, wanted.bytes)) throw new SegmentError('The bytes do not hash to their CID.', `byte ${at}`);
}

function frameBytes(dataBytes: number): number {
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
      if (byte === 0 && i > 0) throw new SegmentError('A length is written longer than it needs to be.', `byte ${at}`);
      return { value, next: at + i + 1 };
    }
  }
  throw new SegmentError('A length exceeds every allowed section.', `byte ${at}`);
}
