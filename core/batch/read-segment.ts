import { type Opening, openBlock } from '../block/digest.ts';
import { equalBytes } from '../bytes.ts';
import { ATTACHED } from '../charter/kind.ts';
import { SegmentError } from '../errors.ts';
import type { ObjectId } from '../ids.ts';
import { MAX_MANIFEST_BYTES, MAX_SEGMENT_BYTES } from '../limits.ts';
import type { Primitives } from '../ports/primitives.ts';
import { CID_BYTES, frameBytes, HEADER_BYTES, readCarHeader, readFrame, readFrameLength } from './car-frames.ts';
import { manifestKind } from './coherent-manifest.ts';
import { decodeManifest, rawCid, sha256Cid } from './manifest.ts';
import type { Manifest, ManifestBlock } from './manifest-fields.ts';

type Hasher = Pick<Primitives, 'sha256'>;

/** The front of a segment: enough to find every block in the rest. */
export interface SegmentFront {
  readonly manifest: Manifest;
  /** Bytes from the start to the end of the manifest. */
  readonly frontBytes: number;
  /** Bytes of the whole segment, by the manifest's word. */
  readonly segmentBytes: number;
  /** Offset of each block's first byte: in the segment, or in its own object when the dataset is attached. */
  readonly offsets: readonly number[];
}

/** A whole segment, checked. */
export interface ReadSegment extends SegmentFront {
  /** Stored bytes; none when the dataset is attached. */
  readonly blocks: readonly Uint8Array[];
  /** Computed from the bytes; none when the dataset is attached. */
  readonly openings: readonly Opening[];
}

const DAG_CBOR = 0x71;

/** No front of a valid segment is longer. */
export const MAX_FRONT_BYTES = HEADER_BYTES + 3 + CID_BYTES + MAX_MANIFEST_BYTES;

/** Reads header and manifest from the first bytes of a segment (MAX_FRONT_BYTES always suffice). @throws SegmentError */
export function readSegmentFront(hasher: Hasher, bytes: Uint8Array): SegmentFront {
  const root = readCarHeader(bytes);
  const frame = readFrame(bytes, HEADER_BYTES, MAX_MANIFEST_BYTES);
  if (!equalBytes(frame.cid, root)) {
    throw new SegmentError('The first section is not the root.', `byte ${HEADER_BYTES}`);
  }
  if (!equalBytes(frame.cid, sha256Cid(DAG_CBOR, hasher.sha256(frame.data)).bytes)) {
    throw new SegmentError('The bytes do not hash to their CID.', `byte ${frame.start}`);
  }
  const manifest = decodeManifest(hasher, frame.data);
  if (manifestKind(manifest) === ATTACHED) {
    const offsets = manifest.blocks.map(({ object }) => object?.offset as number);
    return { manifest, frontBytes: frame.end, segmentBytes: frame.end, offsets };
  }
  const offsets: number[] = [];
  let end = frame.end;
  for (const block of manifest.blocks) {
    end += frameBytes(block.size);
    offsets.push(end - block.size);
  }
  return { manifest, frontBytes: frame.end, segmentBytes: end, offsets };
}

/** How many bytes the front of a segment has, from its first 62 bytes or more. @throws SegmentError */
export function frontBytesOf(bytes: Uint8Array): number {
  readCarHeader(bytes);
  const { value, next } = readFrameLength(bytes, HEADER_BYTES, MAX_MANIFEST_BYTES);
  return next + value;
}

/**
 * Reads a whole segment and checks everything that can be seen without keys and without the rest of the log: framing, order,
 * completeness, every CID, size and chunk root.
 * @throws SegmentError that says what is wrong and where
 */
export function readSegment(hasher: Hasher, car: Uint8Array): ReadSegment {
  if (car.length > MAX_SEGMENT_BYTES) {
    throw new SegmentError(`The segment has ${car.length} bytes; at most ${MAX_SEGMENT_BYTES} fit.`, 'segment');
  }
  const front = readSegmentFront(hasher, car);
  const held = manifestKind(front.manifest) === ATTACHED ? [] : front.manifest.blocks;
  const blocks: Uint8Array[] = [];
  const openings: Opening[] = [];
  let at = front.frontBytes;
  for (const [number, listed] of held.entries()) {
    const frame = readFrame(car, at, listed.size);
    if (!equalBytes(frame.cid, rawCid(listed.sha256).bytes)) {
      throw new SegmentError('Its CID differs from the listed one.', `block ${number}, byte ${at}`);
    }
    openings.push(openListedBlock(hasher, listed, frame.data, `block ${number}, byte ${frame.start}`));
    blocks.push(frame.data);
    at = frame.end;
  }
  if (at !== car.length) throw new SegmentError(`${car.length - at} bytes follow the last block.`, `byte ${at}`);
  return { ...front, blocks, openings };
}

/**
 * The opening of one block's stored bytes, wherever they were read from, compared with its line in the manifest.
 * @throws SegmentError when size, SHA-256 or chunk root is another; `where` names the place
 */
export function openListedBlock(hasher: Hasher, listed: ManifestBlock, bytes: Uint8Array, where: string): Opening {
  if (bytes.length !== listed.size) {
    throw new SegmentError(`It has ${bytes.length} bytes; the manifest lists ${listed.size}.`, where);
  }
  const opening = openBlock(hasher, bytes, listed.meta);
  if (!equalBytes(opening.sha256, listed.sha256)) throw new SegmentError('Its bytes do not hash to its CID.', where);
  if (!equalBytes(opening.chunkRoot, listed.chunkRoot)) {
    throw new SegmentError('Its chunks do not hash to the chunk root in the manifest.', where);
  }
  return opening;
}

/** Where storage keeps each block's bytes: in the segment under `key`, or in the objects that the manifest names. */
export function objectIds(front: SegmentFront, key: string): ObjectId[] {
  return front.manifest.blocks.map(({ size, object }, number) => ({
    key: object?.key ?? key,
    offset: front.offsets[number] as number,
    size,
  }));
}
