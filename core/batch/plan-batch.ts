import * as dagCbor from '@ipld/dag-cbor';
import type { AttachedObject } from '../block/attached-object.ts';
import { requireContentSize } from '../block/content-cipher.ts';
import { type DatasetKind, ENCRYPTED } from '../charter/kind.ts';
import { ArgumentError } from '../errors.ts';
import { GCM_TAG_BYTES, MAX_BATCH_BLOCKS, MAX_BATCH_BYTES, MAX_MANIFEST_BYTES } from '../limits.ts';

/** What a plan must know of a block. */
export interface PlannedBlock {
  /** Bytes of content, before encryption. */
  readonly contentBytes: number;
  /** Bytes of the meta's dag-cbor. */
  readonly metaBytes: number;
  readonly object: AttachedObject | null;
}

// A manifest without its blocks, every integer at its longest.
const MANIFEST_BASE_BYTES = 320;
// cid, size, chunkRoot, meta and record with their names and lengths, the meta's own bytes left out.
const ENTRY_BYTES = 220;
const OBJECT_FIELD_BYTES = 7;

/** Bytes stored for so much content. */
export function storedBytes(kind: DatasetKind, contentBytes: number): number {
  return kind === ENCRYPTED ? contentBytes + GCM_TAG_BYTES : contentBytes;
}

/**
 * How many of these blocks, from the first on, fit into one batch: at most 1,024 blocks, 32 MiB stored and 1 MiB of manifest.
 * At least one always does.
 * @throws ArgumentError when there is none, or one has no content or too much
 */
export function fitBatch(kind: DatasetKind, blocks: readonly PlannedBlock[]): number {
  if (blocks.length === 0) throw new ArgumentError('There is no block to seal.');
  let stored = 0;
  let manifest = MANIFEST_BASE_BYTES;
  for (const [number, block] of blocks.entries()) {
    requireContentSize(block.contentBytes);
    stored += storedBytes(kind, block.contentBytes);
    manifest += entryBytes(block);
    const isFull = number === MAX_BATCH_BLOCKS || stored > MAX_BATCH_BYTES || manifest > MAX_MANIFEST_BYTES;
    if (isFull) return number;
  }
  return blocks.length;
}

/** At most so many bytes of a manifest are one block's. */
export function entryBytes({ metaBytes, object }: PlannedBlock): number {
  const objectBytes = object === null ? 0 : OBJECT_FIELD_BYTES + dagCbor.encode({ ...object }).length;
  return ENTRY_BYTES + metaBytes + objectBytes;
}
