import type { Manifest, ManifestBlock } from '../../core/batch/manifest-fields.ts';
import { frontBytesOf, MAX_FRONT_BYTES, readSegmentFront, type SegmentFront } from '../../core/batch/read-segment.ts';
import { parseSegmentKey } from '../../core/batch/segment-key.ts';
import { equalBytes } from '../../core/bytes.ts';
import { eachInParallel } from '../../core/each-in-parallel.ts';
import { SegmentError, StoreUnavailableError } from '../../core/errors.ts';
import type { Head } from '../../core/log/head.ts';
import { mendSubtrees } from '../../core/log/mend-subtrees.ts';
import { multiproof } from '../../core/log/multiproof.ts';
import { type RecordedGrowth, subtreesOfEvents } from '../../core/log/rebuild-peaks.ts';
import { subtreesOfTiles } from '../../core/log/subtrees-of-tiles.ts';
import { TILE_BYTES, tileKey } from '../../core/log/tiles.ts';
import type { Fault, RecordSource } from '../../core/ports/css.ts';
import type { ObjectLister, ObjectStore } from '../../core/ports/object-store.ts';
import type { Primitives } from '../../core/ports/primitives.ts';
import type { Retrieve, RetrievedBlock } from '../../core/protocols/owner-css-n.ts';
import type { ProvenRecord } from '../../core/protocols/prove-records.ts';
import { findLog, type ListedSegment, listSegment, segmentWith } from './find-log.ts';
import { type BatchOf, recordsFrom, subtreesOfBatches, unavailable } from './log-records.ts';

export interface BucketDeps {
  readonly primitives: Primitives;
  readonly bucket: Pick<ObjectStore, 'read'> & ObjectLister;
}

/** A dataset in a bucket whose owner or operator does nothing for the reader: listing and ranges are all it needs. */
export interface DatasetInBucket {
  readonly retrieve: Retrieve;
  /** A block's line in a manifest of its batch; null when none is left. */
  readonly readListed: (record: ProvenRecord) => Promise<ManifestBlock | null>;
  /** A manifest that has the block's record; null when none is left. */
  readonly readManifest: (record: ProvenRecord) => Promise<Manifest | null>;
  /** Records from the segments themselves, which prove themselves; a fault for each block that nothing left in the bucket proves. */
  readonly records: RecordSource;
}

// Nearly every front is smaller: one request reads it.
const LIKELY_FRONT_BYTES = 64 * 1024;
const PARALLEL_FRONTS = 8;
const KEPT_FRONTS = 64;
const KEPT_TILES = 1024;
/** Objects that say the same of a block; of those with other bytes there is no end. */
const MAX_COPIES = 64;
const MAX_SEGMENTS = 1_000_000;

/**
 * Reads the front of every segment of a dataset, and finds among them the log that the chain has. `recorded` are the events
 * `Recorded`, oldest first: what they give of a stretch whose segments are lost keeps all others provable.
 * @throws StoreUnavailableError when the bucket cannot be read, or has more segments than anybody reads
 */
export async function readBucket(
  deps: BucketDeps,
  { head, recorded }: { readonly head: Head; readonly recorded: readonly RecordedGrowth[] },
  signal?: AbortSignal,
): Promise<DatasetInBucket> {
  const { primitives, bucket } = deps;
  const keys: string[] = [];
  for await (const key of bucket.list(`${head.dataset.slice(2)}/`, signal)) {
    const place = parseSegmentKey(key);
    if (place !== null && place.first < head.size) keys.push(key);
    if (keys.length > MAX_SEGMENTS) {
      throw new StoreUnavailableError(`The bucket has more than ${MAX_SEGMENTS} segments of this dataset.`);
    }
  }
  const segments: ListedSegment[] = [];
  await eachInParallel(keys, PARALLEL_FRONTS, async (key) => {
    const front = await readFront(deps, key, signal);
    if (front === null || front.manifest.dataset !== head.dataset) return;
    const { first, head: end, blocks } = front.manifest;
    const place = { key, first, root: end.root };
    segments.push(
      listSegment(
        primitives,
        place,
        blocks.map(({ record }) => record),
      ),
    );
  });
  const frontOf = keepSome(KEPT_FRONTS, (key) => readFront(deps, key, signal));
  const batchOf = keepSome(KEPT_FRONTS, async (key) => batchOfFront(await frontOf(key)));
  const tileOf = keepSome(KEPT_TILES, async (key) => {
    const tile = await bucket.read(key, { start: 0, end: TILE_BYTES }, signal);
    return tile?.length === TILE_BYTES ? tile : null;
  });
  const log = [...findLog(primitives, segments, recorded).values()].sort((a, b) => a.first - b.first);
  const subtrees = mendSubtrees(primitives, [
    subtreesOfEvents(primitives, recorded).subtrees,
    subtreesOfBatches(primitives, log, batchOf),
    subtreesOfTiles({
      hasher: primitives,
      size: head.size,
      readTile: (place) => tileOf(tileKey(head.dataset, place)),
      // What segments have of leaves is asked for above.
      readLeaves: async () => null,
    }),
  ]);
  const copiesOf = copiesFrom(log, segments, frontOf);
  return {
    retrieve: retrieveFrom(deps, copiesOf),
    async readListed(record) {
      for await (const { line } of copiesOf(record)) return line;
      return null;
    },
    async readManifest(record) {
      for await (const { manifest } of copiesOf(record)) return manifest;
      return null;
    },
    records: recordsFrom(log, batchOf, (blocks, size) => multiproof({ hasher: primitives, subtrees }, blocks, size)),
  };
}

type FrontOf = (key: string) => Promise<SegmentFront | null>;

function batchOfFront(front: SegmentFront | null): Awaited<ReturnType<BatchOf>> {
  if (front === null) return null;
  const { first, serial, salt, nonce, blocks } = front.manifest;
  const records = blocks.map(({ record }) => record);
  const largestBlockBytes = Math.max(...blocks.map(({ size }) => size));
  return { first, count: blocks.length, serial, salt, nonce, largestBlockBytes, records };
}

type CopiesOf = (record: ProvenRecord) => AsyncGenerator<ListedCopy>;

/** A block as one segment has it. */
interface ListedCopy {
  readonly manifest: Manifest;
  readonly line: ManifestBlock;
  readonly key: string;
  readonly start: number;
}

/** Where a block is listed: in the segment of the log, and in others that say the same. */
function copiesFrom(log: readonly ListedSegment[], segments: readonly ListedSegment[], frontOf: FrontOf): CopiesOf {
  const byFirst = Map.groupBy(segments, ({ first }) => first);
  return async function* ({ index, record }) {
    const inLog = segmentWith(log, index);
    const copies = inLog === null ? [] : (byFirst.get(inLog.first) ?? []).filter((one) => isCopy(one, inLog));
    for (const { key, first } of copies.slice(0, MAX_COPIES)) {
      const front = await frontOf(key);
      const manifest = front?.manifest;
      const line = manifest?.blocks[index - first];
      const start = front?.offsets[index - first];
      // What the segments prove and what is asked for are the same record, unless the records come from elsewhere.
      if (manifest === undefined || line === undefined || start === undefined) continue;
      if (!equalBytes(line.record.sealed, record.sealed)) continue;
      yield { manifest, line, start, key: line.object?.key ?? key };
    }
  };
}

/** Table III steps 8–9, without any function: the byte range of an object that its manifest names. */
function retrieveFrom({ primitives, bucket }: BucketDeps, copiesOf: CopiesOf): Retrieve {
  return async (record, signal) => {
    const { index } = record;
    let found: RetrievedBlock | Fault = unavailable(index, 'The bucket has no readable segment with this block.');
    for await (const { line, start, key } of copiesOf(record)) {
      const block = await bucket.read(key, { start, end: start + line.size }, signal);
      if (block === null) found = unavailable(index, 'The storage no longer has the object with this block.');
      else if (block.length < line.size) found = unavailable(index, 'The stored object ends inside this block.');
      else {
        found = { block, meta: line.meta, listedChunkRoot: line.chunkRoot };
        // Of several copies some were altered: the first good one is taken.
        if (equalBytes(primitives.sha256(block), line.sha256)) return found;
      }
    }
    return found;
  };
}

function isCopy(one: ListedSegment, other: ListedSegment): boolean {
  return (
    one.count === other.count && one.appended.every((root, i) => equalBytes(root, other.appended[i] as Uint8Array))
  );
}

function readFront(
  { primitives, bucket }: BucketDeps,
  key: string,
  signal?: AbortSignal,
): Promise<SegmentFront | null> {
  return readFrontBy(primitives, (end) => bucket.read(key, { start: 0, end }, signal));
}

/** Null when the object is gone, or begins with something that is no manifest. `read` gives its first bytes, up to `end`. */
export async function readFrontBy(
  primitives: Primitives,
  read: (end: number) => Promise<Uint8Array | null>,
): Promise<SegmentFront | null> {
  const bytes = await read(LIKELY_FRONT_BYTES);
  if (bytes === null) return null;
  try {
    const frontBytes = Math.min(frontBytesOf(bytes), MAX_FRONT_BYTES);
    if (frontBytes <= bytes.length) return readSegmentFront(primitives, bytes.subarray(0, frontBytes));
    const all = await read(frontBytes);
    return all === null ? null : readSegmentFront(primitives, all);
  } catch (error) {
    if (error instanceof SegmentError) return null;
    throw error;
  }
}

/** Blocks are asked for in ascending order: a few of the answers are enough to read each once. */
function keepSome<T>(most: number, read: (key: string) => Promise<T>): (key: string) => Promise<T> {
  const kept = new Map<string, Promise<T>>();
  return (key) => {
    const known = kept.get(key);
    if (known !== undefined) return known;
    const answer = read(key);
    kept.set(key, answer);
    answer.catch(() => kept.delete(key));
    const oldest = kept.keys().next();
    if (kept.size > most && oldest.done !== true) kept.delete(oldest.value);
    return answer;
  };
}
