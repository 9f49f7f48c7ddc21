import { readSegmentFront, type SegmentFront } from '../../core/batch/segment.ts';
import { type BlockMeta, decodeMeta } from '../../core/block/meta.ts';
import {
  KeyError,
  PlumblineError,
  RequestRefusedError,
  SegmentError,
  StoreUnavailableError,
} from '../../core/errors.ts';
import type { DatasetId, DatasetKey } from '../../core/ids.ts';
import { MAX_RECORD_BLOCKS, MAX_SEGMENT_BYTES } from '../../core/limits.ts';
import type { Anchor, Ledger } from '../../core/ports/ledger.ts';
import type { PresignedRequest } from '../../core/ports/object-store.ts';
import type { Primitives } from '../../core/ports/primitives.ts';
import type { BatchLine, StorageService } from '../../core/ports/service.ts';
import { verdictOn, verdictOnFault } from '../../core/protocols/judge-block.ts';
import { type OwnerCssN, openContent, verifyRetrieved } from '../../core/protocols/owner-css-n.ts';
import { type FoundRecords, type ProvenRecord, proveRecords } from '../../core/protocols/prove-records.ts';
import type { Verdict, VerdictAnchor } from '../../core/verdict.ts';
import { MAX_PAGE } from '../../core/wire/requests.ts';
import { type AnchoredHead, readAnchor } from '../read-anchor.ts';

export interface GetDeps {
  readonly primitives: Primitives;
  readonly ledger: Ledger;
  readonly service: StorageService;
  /** Bytes behind a presigned GET, at most `maxBytes`; null when the object is gone. */
  readonly download: (get: PresignedRequest, maxBytes: number, signal?: AbortSignal) => Promise<Uint8Array | null>;
}

export interface GetRange {
  readonly dataset: DatasetId;
  readonly datasetKey: DatasetKey;
  readonly anchor: Anchor;
  /** By block numbers or by capture times in ms; both ends inclusive. */
  readonly by: 'block' | 'time';
  readonly from: number;
  readonly to: number;
  readonly fromBlock?: number;
}

/** One block of the answer, in log order: its content only when the verdict is intact. */
export interface GotBlock {
  readonly verdict: Verdict;
  readonly meta: BlockMeta | null;
  readonly content: Uint8Array | null;
}

/**
 * Retrieves a range of blocks, verifies each whole against DISSC and decrypts it. Nothing damaged is ever handed on:
 * such a block comes with its verdict and without content.
 */
export async function* getRange(
  deps: GetDeps,
  range: GetRange,
  onAnchor: (anchor: VerdictAnchor) => void = () => {},
  signal?: AbortSignal,
): AsyncGenerator<GotBlock> {
  const anchored = await readAnchor(deps.ledger, range.dataset, range.anchor, range.fromBlock ?? 0, signal);
  onAnchor(anchored.anchor);
  const batches = await recordedBatches(deps.service, range, anchored, signal);
  const end = range.by === 'block' ? Math.min(range.to + 1, anchored.head.size) : anchored.head.size;
  // Each block comes once, whatever the storage lists.
  let next = range.by === 'block' ? range.from : 0;
  for (const batch of [...batches, { first: end, count: 0 }]) {
    // By number it is known which blocks there must be: what the storage does not list is shown as missing.
    for (; range.by === 'block' && next < Math.min(batch.first, end); next++) {
      yield without({ index: next, verdict: 'unavailable', reason: 'The storage lists no batch with this block.' });
    }
    const from = Math.max(next, batch.first);
    const to = Math.min(batch.first + batch.count, end);
    if (from < to) yield* getBatch(deps, range, anchored, batch.first, blocksBetween(from, to), signal);
    next = Math.max(next, to);
  }
}

/** The recorded batches that meet the range, in log order. Which those are is the storage's word; gaps are shown. */
async function recordedBatches(
  service: StorageService,
  range: GetRange,
  anchored: AnchoredHead,
  signal?: AbortSignal,
): Promise<{ first: number; count: number }[]> {
  const lines: BatchLine[] = [];
  let cursor: string | undefined;
  let pages = 0;
  do {
    if (++pages > anchored.head.batches + SPARE_PAGES) {
      throw new StoreUnavailableError(
        `The storage has listed ${pages - 1} pages of batches and does not come to an end.`,
      );
    }
    const { by, from, to } = range;
    const page = await service.listBatches(
      range.dataset,
      { by, from, to, limit: MAX_PAGE, ...(cursor === undefined ? {} : { cursor }) },
      signal,
    );
    lines.push(...page.batches.filter((line) => line.state === 'recorded' || line.state === 'final'));
    cursor = page.next ?? undefined;
  } while (cursor !== undefined);
  return lines
    .flatMap(({ first, count }) => (count === null || first >= anchored.head.size ? [] : [{ first, count }]))
    .sort((a, b) => a.first - b.first);
}

/** Pages that may show nothing but rejected or superseded segments. */
const SPARE_PAGES = 200;

async function* getBatch(
  deps: GetDeps,
  range: GetRange,
  anchored: AnchoredHead,
  first: number,
  indices: readonly number[],
  signal?: AbortSignal,
): AsyncGenerator<GotBlock> {
  const stored = await retrieveSegment(deps, range.dataset, first, signal);
  if ('reason' in stored) {
    for (const index of indices) yield without({ ...stored, index });
    return;
  }
  const owner: OwnerCssN = { ...deps, ...range, signerOf: anchored.signerOf };
  for (let at = 0; at < indices.length; at += MAX_RECORD_BLOCKS) {
    const window = indices.slice(at, at + MAX_RECORD_BLOCKS);
    const found = await proveRecords({ hasher: deps.primitives, records: deps.service }, anchored.head, window, signal);
    for (const got of judgeWindow(owner, stored, window, found)) {
      if (isWanted(range, got)) yield got;
    }
  }
}

function* judgeWindow(
  owner: OwnerCssN,
  stored: StoredSegment,
  window: readonly number[],
  found: FoundRecords,
): Generator<GotBlock> {
  const proven = new Map(found.proven.map((record) => [record.index, record]));
  const faults = new Map(found.faults.map((fault) => [fault.index, fault]));
  const broken = new Map(found.broken.map((record) => [record.index, record]));
  for (const index of window) {
    const record = proven.get(index);
    const fault = faults.get(index);
    if (record !== undefined) yield judgeStored(owner, stored, record);
    else if (fault !== undefined) yield nothing(verdictOnFault('retrieved', fault));
    else
      yield without({
        index,
        verdict: 'corrupted',
        reason: broken.get(index)?.reason ?? 'The storage gives no record.',
      });
  }
}

function judgeStored(owner: OwnerCssN, stored: StoredSegment, record: ProvenRecord): GotBlock {
  const line = stored.front.manifest.blocks[record.index - stored.front.manifest.first];
  const offset = stored.front.offsets[record.index - stored.front.manifest.first];
  const trial = { record, evidence: 'retrieved' as const, signer: owner.signerOf(record.batch.position) };
  if (line === undefined || offset === undefined) {
    return nothing(verdictOn(trial, 'corrupted', 'The stored segment does not list this block.'));
  }
  const block = stored.car.subarray(offset, offset + line.size);
  if (block.length !== line.size) {
    return nothing(verdictOn(trial, 'unavailable', 'The stored segment ends before the end of this block.'));
  }
  const verdict = verifyRetrieved(owner, record, { block, meta: line.meta, listedChunkRoot: line.chunkRoot });
  if (verdict.verdict !== 'intact') return nothing(verdict);
  try {
    return { verdict, meta: decodeMeta(line.meta), content: openContent(owner, record, block) };
  } catch (cause) {
    if (!(cause instanceof PlumblineError)) throw cause;
    // The nonce is the storage's word; the key it leads to, once it fits the commitment, is the writer's.
    if (!(cause instanceof KeyError)) return nothing(verdictOn(trial, 'corrupted', cause.shortMessage));
    return nothing({ ...verdictOn(trial, 'misrecorded', cause.shortMessage), blame: 'writer' });
  }
}

interface StoredSegment {
  readonly car: Uint8Array;
  readonly front: SegmentFront;
}

async function retrieveSegment(
  deps: GetDeps,
  dataset: DatasetId,
  first: number,
  signal?: AbortSignal,
): Promise<StoredSegment | Omit<Missing, 'index'>> {
  try {
    const { get } = await deps.service.getSegment(dataset, first, signal);
    const car = await deps.download(get, MAX_SEGMENT_BYTES, signal);
    if (car === null) return { verdict: 'unavailable', reason: 'The segment is not stored any more.' };
    return { car, front: readSegmentFront(deps.primitives, car) };
  } catch (cause) {
    signal?.throwIfAborted();
    if (!(cause instanceof PlumblineError)) throw cause;
    if (cause instanceof SegmentError) return { verdict: 'corrupted', reason: cause.shortMessage };
    const refused = cause instanceof RequestRefusedError && cause.status === 403;
    return { verdict: refused ? 'refused' : 'unavailable', reason: cause.shortMessage };
  }
}

/**
 * By time, a verified block counts when it was captured in the range. A damaged one may have lost its time, so every
 * damaged block of a batch that meets the range is named.
 */
function isWanted(range: GetRange, got: GotBlock): boolean {
  return range.by === 'block' || got.meta === null || (got.meta.at >= range.from && got.meta.at <= range.to);
}

interface Missing {
  readonly index: number;
  readonly verdict: 'unavailable' | 'refused' | 'corrupted';
  readonly reason: string;
}

function without({ index, verdict, reason }: Missing): GotBlock {
  return nothing(verdictOn({ record: { index }, evidence: 'retrieved', signer: null }, verdict, reason));
}

function nothing(verdict: Verdict): GotBlock {
  return { verdict, meta: null, content: null };
}

function blocksBetween(from: number, to: number): number[] {
  return Array.from({ length: to - from }, (_, number) => from + number);
}
