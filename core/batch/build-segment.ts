import * as CarWriter from '@ipld/car/buffer-writer';
import { ATTACHED } from '../charter/kind.ts';
import { SegmentError } from '../errors.ts';
import type { Primitives } from '../ports/primitives.ts';
import { frameBytes, HEADER_BYTES } from './car-frames.ts';
import { manifestKind } from './coherent-manifest.ts';
import { encodeManifest, rawCid, sha256Cid } from './manifest.ts';
import type { Manifest } from './manifest-fields.ts';
import { segmentKey } from './segment-key.ts';

/** A stored object that holds one batch, as written. */
export interface Segment {
  readonly car: Uint8Array;
  readonly sha256: Uint8Array;
  /** In the bucket. */
  readonly key: string;
}

const DAG_CBOR = 0x71;

/**
 * Writes a CARv1 file: the manifest as the one root, first, then the blocks in order as raw leaves; equal ones are repeated,
 * never merged (specification#segment). `blocks` are the stored bytes that the manifest lists, in its order; none in an
 * attached dataset, where the file holds the manifest alone.
 * @throws SegmentError when the manifest is one that a reader would refuse, or the blocks do not have the listed sizes
 */
export function buildSegment(
  hasher: Pick<Primitives, 'sha256'>,
  manifest: Manifest,
  blocks: readonly Uint8Array[],
): Segment {
  const manifestBytes = encodeManifest(hasher, manifest);
  const root = sha256Cid(DAG_CBOR, hasher.sha256(manifestBytes));
  const held = manifestKind(manifest) === ATTACHED ? [] : manifest.blocks;
  if (blocks.length !== held.length) {
    throw new SegmentError(`${blocks.length} blocks were given, but the file holds ${held.length}.`, 'blocks');
  }
  const front = HEADER_BYTES + frameBytes(manifestBytes.length);
  const total = held.reduce((sum, block) => sum + frameBytes(block.size), front);
  const writer = CarWriter.createWriter(new ArrayBuffer(total), { roots: [root], headerSize: HEADER_BYTES });
  writer.write({ cid: root, bytes: manifestBytes });
  for (const [number, block] of held.entries()) {
    const bytes = blocks[number] as Uint8Array;
    if (bytes.length !== block.size) {
      throw new SegmentError(`It has ${bytes.length} bytes; the manifest lists ${block.size}.`, `block ${number}`);
    }
    writer.write({ cid: rawCid(block.sha256), bytes });
  }
  const car = writer.close();
  const sha256 = hasher.sha256(car);
  return { car, sha256, key: segmentKey(manifest.dataset, manifest.first, sha256) };
}
