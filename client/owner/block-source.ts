import type { Manifest, ManifestBlock } from '../../core/batch/manifest-fields.ts';
import { readSegmentFront, type SegmentFront } from '../../core/batch/read-segment.ts';
import { PlumblineError, RequestRefusedError, SegmentError } from '../../core/errors.ts';
import type { BlockIndex, DatasetId } from '../../core/ids.ts';
import { MAX_SEGMENT_BYTES } from '../../core/limits.ts';
import type { Fault, RecordSource } from '../../core/ports/css.ts';
import type { PresignedRequest } from '../../core/ports/object-store.ts';
import type { Primitives } from '../../core/ports/primitives.ts';
import type { StorageService } from '../../core/ports/service.ts';
import type { Retrieve } from '../../core/protocols/owner-css-n.ts';
import type { ProvenRecord } from '../../core/protocols/prove-records.ts';
import { MAX_PAGE } from '../../core/wire/requests.ts';
import type { AnchoredHead } from '../read-anchor.ts';
import { type BucketDeps, readBucket, readFrontBy } from './read-bucket.ts';

/** Storage that blocks are brought back from, and that nothing is believed of. */
export interface BlockSource {
  readonly records: RecordSource;
  /** Blocks in ascending order: many of one batch cost one download. */
  readonly retrieve: Retrieve;
  /** One block somewhere. */
  readonly retrieveOne: Retrieve;
  /** What is listed of a block beside its bytes, damaged or not; null where nothing is, and it may be a lie. */
  readonly readListed: (record: ProvenRecord) => Promise<ListedBlock | null>;
  /** The manifest of a block's batch, for many blocks of one batch read once; null where there is none, and it may be a lie. */
  readonly readManifest: (record: ProvenRecord) => Promise<Manifest | null>;
  /** A few blocks near both ends of what may have been captured in these times (ms): where to look first, and no more. */
  readonly guessTimes: (from: number, to: number) => Promise<readonly BlockIndex[]>;
}

/** A block's line in the manifest of its batch. */
export type ListedBlock = Pick<ManifestBlock, 'size' | 'sha256' | 'chunkRoot' | 'meta'>;

/** How a dataset's storage is reached, once its log is known from the chain. */
export type OpenSource = (log: AnchoredHead, signal?: AbortSignal) => Promise<BlockSource>;

/** Bytes behind a presigned GET, at most `maxBytes`; null when the object is gone. */
export type Download = (get: PresignedRequest, maxBytes: number, signal?: AbortSignal) => Promise<Uint8Array | null>;

export interface ServiceDeps {
  readonly primitives: Primitives;
  readonly service: StorageService;
  readonly download: Download;
}

/**
 * The service: whole segments by presigned GETs, single blocks by get-block.
 *
 * @example
 * import { downloadPresigned } from 'plumbline/adapters/service/download-presigned';
 * import { readAnchor } from 'plumbline/client/read-anchor';
 * const open = sourceOfService({ primitives, service, download: downloadPresigned }, dataset);
 * const source = await open(await readAnchor(ledger, dataset, 'final', fromBlock));
 * console.log(await source.guessTimes(0, Date.now()));
 */
export function sourceOfService(deps: ServiceDeps, dataset: DatasetId): OpenSource {
  const { service } = deps;
  return async (_log, signal) => {
    let kept: { readonly first: BlockIndex; readonly segment: Promise<Stored | Missing> } | null = null;
    let lastFront: { readonly first: BlockIndex; readonly read: Promise<Pick<Stored, 'front'>> } | null = null;
    const segmentOf = (first: BlockIndex): Promise<Stored | Missing> => {
      if (kept?.first !== first) kept = { first, segment: fetchSegment(deps, dataset, first, signal) };
      return kept.segment;
    };
    const listedIn = (
      stored: Pick<Stored, 'front'> | Missing,
      { index, batch }: ProvenRecord,
    ): ManifestBlock | undefined => ('kind' in stored ? undefined : stored.front?.manifest.blocks[index - batch.first]);
    const retrieveOne: Retrieve = ({ index }) => service.getBlock(dataset, index, signal);
    return {
      records: service,
      retrieveOne,
      async retrieve(record) {
        const { index, batch } = record;
        const stored = await segmentOf(batch.first);
        if ('kind' in stored) return { index, ...stored };
        const line = listedIn(stored, record);
        const start = stored.front?.offsets[index - batch.first];
        // Bytes of an attached dataset lie elsewhere, and what a damaged segment does not name may be had by itself.
        if (line === undefined || start === undefined || line.object !== null) return retrieveOne(record);
        const block = stored.car.subarray(start, start + line.size);
        if (block.length < line.size) {
          return { index, kind: 'unavailable', reason: 'The stored segment ends inside this block.' };
        }
        return { block, meta: line.meta, listedChunkRoot: line.chunkRoot };
      },
      async readListed(record) {
        const { first } = record.batch;
        const stored = kept?.first === first ? await kept.segment : await fetchFront(deps, dataset, first, signal);
        return listedIn(stored, record) ?? null;
      },
      async readManifest({ batch: { first } }) {
        if (lastFront?.first !== first) lastFront = { first, read: fetchFront(deps, dataset, first, signal) };
        return (await lastFront.read).front?.manifest ?? null;
      },
      async guessTimes(from, to) {
        try {
          const { batches } = await service.listBatches(dataset, { by: 'time', from, to, limit: MAX_PAGE }, signal);
          const firsts = batches.flatMap(({ first, count }) =>
            count === null ? [] : [{ first, last: first + count - 1 }],
          );
          const ends = [firsts[0], firsts.at(-1)].filter((batch) => batch !== undefined);
          return [...new Set(ends.flatMap(({ first, last }) => [first, last]))];
        } catch (cause) {
          signal?.throwIfAborted();
          if (cause instanceof PlumblineError) return [];
          throw cause;
        }
      },
    };
  };
}

/**
 * The bucket itself, without any service.
 *
 * @example
 * import { readAnchor } from 'plumbline/client/read-anchor';
 * const open = sourceOfBucket({ primitives, bucket });
 * const source = await open(await readAnchor(ledger, dataset, 'final', fromBlock));
 * console.log((await source.records.getRecords(dataset, [0], 4)).batches.length); // 1
 */
export function sourceOfBucket(deps: BucketDeps): OpenSource {
  return async (log, signal) => {
    const { retrieve, records, readListed, readManifest } = await readBucket(deps, log, signal);
    return { records, retrieve, retrieveOne: retrieve, readListed, readManifest, guessTimes: async () => [] };
  };
}

interface Stored {
  readonly car: Uint8Array;
  /** Null when the segment does not begin with a manifest. */
  readonly front: SegmentFront | null;
}

type Missing = Omit<Fault, 'index'>;

async function fetchSegment(
  { primitives, service, download }: ServiceDeps,
  dataset: DatasetId,
  first: BlockIndex,
  signal: AbortSignal | undefined,
): Promise<Stored | Missing> {
  try {
    const { get } = await service.getSegment(dataset, first, signal);
    const car = await download(get, MAX_SEGMENT_BYTES, signal);
    if (car === null) return { kind: 'unavailable', reason: 'The storage no longer has the segment.' };
    return { car, front: frontOf(primitives, car) };
  } catch (cause) {
    signal?.throwIfAborted();
    if (!(cause instanceof PlumblineError)) throw cause;
    const isRefused = cause instanceof RequestRefusedError && cause.status === 403;
    return { kind: isRefused ? 'refused' : 'unavailable', reason: cause.shortMessage };
  }
}

/** The front of a segment alone, whose blocks may take a GiB. */
async function fetchFront(
  { primitives, service, download }: ServiceDeps,
  dataset: DatasetId,
  first: BlockIndex,
  signal: AbortSignal | undefined,
): Promise<Pick<Stored, 'front'>> {
  const { get } = await service.getSegment(dataset, first, signal);
  const front = await readFrontBy(primitives, (end) =>
    download({ ...get, headers: { ...get.headers, range: `bytes=0-${end - 1}` } }, end, signal),
  );
  return { front };
}

function frontOf(primitives: Primitives, car: Uint8Array): SegmentFront | null {
  try {
    return readSegmentFront(primitives, car);
  } catch (cause) {
    if (!(cause instanceof SegmentError)) throw cause;
    return null;
  }
}
