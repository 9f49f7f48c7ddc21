import { batchLeafHash, ROOTED, recordHash, sealedHash } from '../../core/batch/record.ts';
import { batchLeafOf } from '../../core/batch/seal-batch.ts';
import {
  frontBytesOf,
  MAX_FRONT_BYTES,
  parseSegmentKey,
  readSegmentFront,
  type SegmentFront,
} from '../../core/batch/segment.ts';
import { equalBytes } from '../../core/bytes.ts';
import { eachInParallel } from '../../core/each-in-parallel.ts';
import { SegmentError, StoreUnavailableError } from '../../core/errors.ts';
import type { DatasetId, Salt } from '../../core/ids.ts';
import type { Head } from '../../core/log/head.ts';
import { rootOfLeafHashes } from '../../core/log/merkle.ts';
import { multiproof } from '../../core/log/multiproof.ts';
import { rebuildLog, type StoredBatch } from '../../core/log/rebuild-log.ts';
import type { BatchRecords, Fault, RecordSource } from '../../core/ports/css.ts';
import type { ObjectLister, ObjectStore } from '../../core/ports/object-store.ts';
import type { Primitives } from '../../core/ports/primitives.ts';
import type { Retrieve, RetrievedBlock } from '../../core/protocols/owner-css-n.ts';

export interface BucketDeps {
  readonly primitives: Primitives;
  readonly bucket: Pick<ObjectStore, 'read'> & ObjectLister;
}

/** A dataset in a bucket whose owner or operator does nothing for the reader: listing and ranges are all it needs. */
export interface DatasetInBucket {
  readonly retrieve: Retrieve;
  /** Records from the segments themselves, which prove themselves; null when a segment of the log is missing or damaged. */
  readonly records: RecordSource | null;
}

interface ListedSegment extends StoredBatch {
  readonly key: string;
  readonly salt: Salt;
}

// Nearly every front is smaller: one request reads it.
const LIKELY_FRONT_BYTES = 64 * 1024;
const PARALLEL_FRONTS = 8;
const KEPT_FRONTS = 64;
const MAX_COPIES = 8;
const MAX_SEGMENTS = 1_000_000;

/** Reads the front of every segment of a dataset, and finds among them the log that the chain has. */
export async function readBucket(deps: BucketDeps, head: Head, signal?: AbortSignal): Promise<DatasetInBucket> {
  const keys: string[] = [];
  for await (const key of deps.bucket.list(`${head.dataset.slice(2)}/`, signal)) {
    if (parseSegmentKey(key) !== null) keys.push(key);
    if (keys.length > MAX_SEGMENTS) {
      throw new StoreUnavailableError(`The bucket has more than ${MAX_SEGMENTS} segments of this dataset.`);
    }
  }
  const segments: ListedSegment[] = [];
  await eachInParallel(keys, PARALLEL_FRONTS, async (key) => {
    const front = await readFront(deps, key, signal);
    if (front === null || front.manifest.dataset !== head.dataset) return;
    const { manifest } = front;
    segments.push({
      ...{ key, first: manifest.first, count: manifest.blocks.length, salt: manifest.salt },
      ...{ batches: manifest.head.batches, root: manifest.head.root },
      leafHash: batchLeafHash(deps.primitives, batchLeafOf(deps.primitives, manifest)),
    });
  });
  const frontOf = keepFronts((key) => readFront(deps, key, signal));
  const log = rebuildLog(deps.primitives, segments, head);
  return {
    retrieve: retrieveFrom(deps, segments, frontOf),
    records: log === null ? null : recordsFrom(deps.primitives, log, frontOf),
  };
}

type FrontOf = (key: string) => Promise<SegmentFront | null>;

/** Table III steps 8–9, without any function: the byte range of a segment that its manifest names. */
function retrieveFrom(
  { primitives, bucket }: BucketDeps,
  segments: readonly ListedSegment[],
  frontOf: FrontOf,
): Retrieve {
  const byFirst = Map.groupBy(segments, ({ first }) => first);
  return async ({ index, batch }, signal) => {
    let found: RetrievedBlock | Fault = unavailable(index, 'The bucket has no readable segment with this block.');
    // More than one segment of a batch are copies of which some were altered: the first good one is taken.
    const copies = byFirst.get(batch.first)?.filter(({ salt }) => equalBytes(salt, batch.salt)) ?? [];
    for (const { key } of copies.slice(0, MAX_COPIES)) {
      const front = await frontOf(key);
      const line = front?.manifest.blocks[index - batch.first];
      const start = front?.offsets[index - batch.first];
      if (line === undefined || start === undefined) continue;
      const block = await bucket.read(key, { start, end: start + line.size }, signal);
      if (block === null) found = unavailable(index, 'The segment is not stored any more.');
      else if (block.length < line.size)
        found = unavailable(index, 'The stored segment ends before the end of this block.');
      else {
        found = { block, meta: line.meta, listedChunkRoot: line.chunkRoot };
        if (equalBytes(primitives.sha256(block), line.sha256)) return found;
      }
    }
    return found;
  };
}

function unavailable(index: number, reason: string): Fault {
  return { index, kind: 'unavailable', reason };
}

function recordsFrom(primitives: Primitives, log: readonly ListedSegment[], frontOf: FrontOf): RecordSource {
  const leafHashes = log.map(({ leafHash }) => leafHash);
  const inLog = (from: number, to: number) => rootOfLeafHashes(primitives, leafHashes.slice(from, to));
  return {
    async getRecords(_dataset: DatasetId, blocks: readonly number[]) {
      const byPosition = Map.groupBy(blocks, (index) => positionOf(log, index));
      const batches: BatchRecords[] = [];
      const faults: Fault[] = [];
      for (const [position, indices] of byPosition) {
        const segment = log[position];
        const front = segment === undefined ? null : await frontOf(segment.key);
        const listed =
          front === null ? [] : indices.filter((index) => index - front.manifest.first < front.manifest.blocks.length);
        if (front !== null && listed.length > 0) batches.push(await recordsOf(primitives, front, position, listed));
        else {
          faults.push(...indices.map((index) => unavailable(index, 'The segment with this block cannot be read.')));
        }
      }
      const positions = batches.map(({ position }) => position);
      return { batches, proof: positions.length === 0 ? [] : await multiproof(positions, log.length, inLog), faults };
    },
  };
}

async function recordsOf(
  primitives: Primitives,
  { manifest }: SegmentFront,
  position: number,
  indices: readonly number[],
): Promise<BatchRecords> {
  const { first, blocks, salt, contentCommitment, nonce, published } = manifest;
  const hashes = blocks.map((line) => recordHash(primitives, line));
  const inBatch = (from: number, to: number) => rootOfLeafHashes(primitives, hashes.slice(from, to));
  const records = indices.flatMap((index) => {
    const line = blocks[index - first];
    return line === undefined ? [] : [{ index, sealed: line.sealed, commitment: line.commitment }];
  });
  return {
    ...{ position, first, count: blocks.length, salt, contentCommitment, nonce, records },
    sealedHash: published ? sealedHash(blocks.map(({ sealed }) => sealed)) : ROOTED,
    largestBlockBytes: Math.max(...blocks.map(({ size }) => size)),
    proof: await multiproof(
      records.map(({ index }) => index - first),
      blocks.length,
      inBatch,
    ),
  };
}

/** The batch that holds a block: the last that begins at or before it. */
function positionOf(log: readonly ListedSegment[], index: number): number {
  let low = 0;
  let high = log.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((log[middle] as ListedSegment).first <= index) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

/** Null when the object is gone, or begins with something that is no manifest. */
async function readFront(
  { primitives, bucket }: BucketDeps,
  key: string,
  signal?: AbortSignal,
): Promise<SegmentFront | null> {
  const bytes = await bucket.read(key, { start: 0, end: LIKELY_FRONT_BYTES }, signal);
  if (bytes === null) return null;
  try {
    const frontBytes = Math.min(frontBytesOf(bytes), MAX_FRONT_BYTES);
    if (frontBytes <= bytes.length) return readSegmentFront(primitives, bytes.subarray(0, frontBytes));
    const all = await bucket.read(key, { start: 0, end: frontBytes }, signal);
    return all === null ? null : readSegmentFront(primitives, all);
  } catch (error) {
    if (error instanceof SegmentError) return null;
    throw error;
  }
}

/** Blocks are asked for in ascending order: a few fronts are enough to read each once. */
function keepFronts(read: FrontOf): FrontOf {
  const kept = new Map<string, Promise<SegmentFront | null>>();
  return (key) => {
    const known = kept.get(key);
    if (known !== undefined) return known;
    const front = read(key);
    kept.set(key, front);
    front.catch(() => kept.delete(key));
    const oldest = kept.keys().next();
    if (kept.size > KEPT_FRONTS && oldest.done !== true) kept.delete(oldest.value);
    return front;
  };
}
