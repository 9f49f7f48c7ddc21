import { readSegmentFront, type SegmentFront } from '../../core/batch/read-segment.ts';
import { type CapturedBlock, type DatasetWriter, type SealedBatch, sealBatch } from '../../core/batch/seal-batch.ts';
import { proveChunk } from '../../core/block/chunk-tree.ts';
import { metaHash } from '../../core/block/meta.ts';
import { equalBytes, to0x } from '../../core/bytes.ts';
import { datasetOfCharter, type SignedCharter, signCharter } from '../../core/charter/charter.ts';
import { encodeDatasetName } from '../../core/charter/dataset-name.ts';
import type { DatasetKind } from '../../core/charter/kind.ts';
import { DISSC_ADDRESS } from '../../core/dissc-address.ts';
import { RequestRefusedError } from '../../core/errors.ts';
import { type DatasetId, type DatasetKey, NO_ACCOUNT, type PrivateKey, type Sha256 } from '../../core/ids.ts';
import { buildGrowth, growthOfLeaves } from '../../core/log/build-growth.ts';
import type { Head } from '../../core/log/head.ts';
import { multiproof } from '../../core/log/multiproof.ts';
import { EMPTY_PEAKS, EMPTY_ROOT, type Peaks, rootOfPeaks } from '../../core/log/peaks.ts';
import { subtreesOfLeaves } from '../../core/log/subtree-source.ts';
import type { Answers, BatchRecords, Fault, HashedBlock, ProvenChunk, Records } from '../../core/ports/css.ts';
import type { ChainCharter, Ledger, RecordedEvent } from '../../core/ports/ledger.ts';
import type { PresignedRequest } from '../../core/ports/object-store.ts';
import type { Primitives } from '../../core/ports/primitives.ts';
import type { DatasetAnchor, StorageService } from '../../core/ports/service.ts';
import { accountOfKey } from '../../core/typed-data.ts';
import type { ListBatchesResponse } from '../../core/wire/requests.ts';

export const OWNER_KEY = new Uint8Array(32).fill(5) as PrivateKey;
export const DEVICE_KEY = new Uint8Array(32).fill(9) as PrivateKey;
const DOMAIN = { chainId: 31337, dissc: DISSC_ADDRESS };

/** What the owner of WRITER's datasets has signed for one of each kind. */
export function charterOf(kind: DatasetKind): SignedCharter {
  const charter = {
    owner: accountOfKey(OWNER_KEY),
    name: encodeDatasetName('readings'),
    kind,
    device: accountOfKey(DEVICE_KEY),
    anchorer: NO_ACCOUNT,
    serial: 1_790_000_000,
    from: 0,
  };
  return { ...charter, signature: signCharter(DOMAIN, charter, OWNER_KEY) };
}

/** The device of a dataset of this kind. */
export function writerOf(kind: DatasetKind): DatasetWriter {
  const charter = charterOf(kind);
  return {
    dataset: datasetOfCharter(DOMAIN, charter),
    kind,
    serial: charter.serial,
    datasetKey: new Uint8Array(32).fill(7) as DatasetKey,
    deviceKey: DEVICE_KEY,
    domain: DOMAIN,
  };
}

/** That of an encrypted one. */
export const WRITER: DatasetWriter = writerOf(0);

/** The owner's keys of what WRITER has sealed; of other serials others. */
export function datasetKeyOf(serial: number): DatasetKey {
  return serial === WRITER.serial ? WRITER.datasetKey : (new Uint8Array(32).fill(serial % 256) as DatasetKey);
}

/** Content that tells by itself which block it belongs to. */
export function reading(index: number, sizeBytes: number): CapturedBlock {
  const content = new Uint8Array(sizeBytes);
  for (let at = 0; at < sizeBytes; at++) content[at] = (index * 31 + at * 7 + (at >> 8)) % 256;
  return { content, meta: { at: 1_790_000_000_000 + 1000 * index } };
}

/** Batches of blocks of these sizes, one after another. */
export function sealLog(
  primitives: Primitives,
  sizes: readonly (readonly number[])[],
  writer: DatasetWriter = WRITER,
  capture: (index: number, sizeBytes: number) => CapturedBlock = reading,
): SealedBatch[] {
  const batches: SealedBatch[] = [];
  let end: Peaks = EMPTY_PEAKS;
  for (const [position, blocks] of sizes.entries()) {
    const captured = blocks.map((size, number) => capture(end.size + number, size));
    const sealed = sealBatch(primitives, writer, end, captured, new Uint8Array(16).fill(position + 1));
    batches.push(sealed);
    end = sealed.end;
  }
  return batches;
}

/** The head that DISSC has after these batches. */
export function headOf(primitives: Primitives, batches: readonly SealedBatch[]): Head {
  const last = batches[batches.length - 1];
  if (last === undefined) return { dataset: WRITER.dataset, size: 0, root: EMPTY_ROOT };
  return { dataset: last.manifest.dataset, size: last.end.size, root: rootOfPeaks(primitives, last.end) };
}

/** What DISSC logs when these batches are recorded, one update each, in blocks 1, 2, …. */
export function recordedEvents(primitives: Primitives, batches: readonly SealedBatch[]): RecordedEvent[] {
  return batches.map((batch, number): RecordedEvent => {
    const before = batches[number - 1]?.end ?? EMPTY_PEAKS;
    return {
      ...headOf(primitives, [batch]),
      appended: growthOfLeaves(primitives, before, batch.leafHashes).appended,
      signer: accountOfKey(DEVICE_KEY),
      blockNumber: number + 1,
      logIndex: 1,
      txHash: `0x${number.toString(16).padStart(64, '0')}`,
    };
  });
}

/** DISSC with the charter and these batches recorded, one update each. */
export function ledgerOf(primitives: Primitives, batches: readonly SealedBatch[]): Ledger {
  const events = recordedEvents(primitives, batches);
  const { dataset, kind, serial } = WRITER;
  const { signature: _, ...charter } = charterOf(kind);
  const chartered: ChainCharter = { dataset, charter, blockNumber: 1, logIndex: 0, txHash: `0x${'0'.repeat(64)}` };
  const point = { blockNumber: batches.length + 1, blockHash: `0x${'bb'.repeat(32)}`, timestampMs: 1_790_000_000_000 };
  const within = <T extends { readonly blockNumber: number }>(all: readonly T[], from: number, to: number): T[] =>
    all.filter(({ blockNumber }) => blockNumber >= from && blockNumber <= to);
  return {
    domain: WRITER.domain,
    readHeads: async (datasets) => ({ point, heads: datasets.map(() => headOf(primitives, batches)) }),
    readDevices: async (datasets) => ({ point, devices: datasets.map(() => ({ device: charter.device, serial })) }),
    findRecorded: async (_dataset, from, to) => within(events, from, to),
    findChartered: async (_query, from, to) => within([chartered], from, to),
  };
}

/**
 * A small honest storage service over stored segments: it answers from the bytes it has now. A hostile one extends it and
 * changes `objects` (the bytes), `batches` (what it indexed) or an answer.
 */
export class HonestStorage implements StorageService {
  readonly primitives: Primitives;
  readonly batches: SealedBatch[];
  readonly objects = new Map<string, Uint8Array>();
  /** Stored bytes that one request covers. */
  requestBytes = 64 * 2 ** 20;
  readonly #fronts = new WeakMap<SealedBatch, SegmentFront>();
  /** Requests by name, in order. */
  readonly calls: { name: string; blocks: readonly number[] }[] = [];

  constructor(primitives: Primitives, batches: readonly SealedBatch[]) {
    this.primitives = primitives;
    this.batches = [...batches];
    for (const { segment } of batches) this.objects.set(segment.key, Uint8Array.from(segment.car));
  }

  async hashBlocks(dataset: DatasetId, blocks: readonly number[]): Promise<Answers<HashedBlock>> {
    this.calls.push({ name: 'hash-blocks', blocks });
    return this.#answer(dataset, blocks, (index, block, batch) => {
      const line = batch.manifest.blocks[index - batch.manifest.first];
      if (line === undefined) throw new Error('No such line.');
      return {
        index,
        opening: {
          size: block.length,
          sha256: this.primitives.sha256(block) as Sha256,
          chunkRoot: line.chunkRoot,
          metaHash: metaHash(this.primitives, line.meta),
        },
      };
    });
  }

  async proveChunks(
    dataset: DatasetId,
    challenges: readonly { index: number; random: number }[],
  ): Promise<Answers<ProvenChunk>> {
    const blocks = challenges.map(({ index }) => index);
    const randomOf = new Map(challenges.map(({ index, random }) => [index, random]));
    this.calls.push({ name: 'prove-chunks', blocks });
    return this.#answer(dataset, blocks, (index, block, batch) => {
      const line = batch.manifest.blocks[index - batch.manifest.first];
      if (line === undefined) throw new Error('No such line.');
      const { chunk, path } = proveChunk(this.primitives, block, randomOf.get(index) as number);
      const { sha256 } = line;
      return { index, size: block.length, sha256, metaHash: metaHash(this.primitives, line.meta), chunk, path };
    });
  }

  async getBlock(dataset: DatasetId, index: number): Promise<{ block: Uint8Array; meta: Uint8Array } | Fault> {
    this.calls.push({ name: 'get-block', blocks: [index] });
    const found = this.storedBlock(dataset, index);
    if ('reason' in found) return found;
    return {
      block: found.block,
      meta: found.batch.manifest.blocks[index - found.batch.manifest.first]?.meta as Uint8Array,
    };
  }

  async getRecords(dataset: DatasetId, blocks: readonly number[], size: number): Promise<Records> {
    this.calls.push({ name: 'get-records', blocks });
    const leaves = this.leafHashes().slice(0, size);
    const wanted = new Map<SealedBatch, number[]>();
    const faults: Fault[] = [];
    for (const index of blocks) {
      const batch = this.batchOf(dataset, index);
      // Without all that leads to a root nothing can be proven under it.
      if (leaves.length < size) faults.push({ index, kind: 'unavailable', reason: 'The log ends before that.' });
      else if (batch === null || index >= size) faults.push({ index, kind: 'unavailable', reason: 'No such batch.' });
      else wanted.set(batch, [...(wanted.get(batch) ?? []), index]);
    }
    const batches = [...wanted].map(([batch, indices]) => this.recordsOf(batch, indices));
    const log = { hasher: this.primitives, subtrees: subtreesOfLeaves(this.primitives, leaves) };
    const proof = wanted.size === 0 ? [] : await multiproof(log, [...wanted.values()].flat(), size);
    return { batches, proof, faults };
  }

  /** Of all that it holds of the log, from its beginning. */
  protected leafHashes(): Uint8Array[] {
    return this.batches.flatMap(({ leafHashes }) => [...leafHashes]);
  }

  recordsOf({ manifest }: SealedBatch, indices: readonly number[]): BatchRecords {
    const { first, serial, salt, nonce, blocks } = manifest;
    return {
      first,
      count: blocks.length,
      serial,
      salt,
      nonce,
      largestBlockBytes: Math.max(...blocks.map(({ size }) => size)),
      records: indices.map((index) => {
        const line = blocks[index - first];
        if (line === undefined) throw new Error('No such line.');
        return { index, record: line.record };
      }),
    };
  }

  async listBatches(
    _dataset: DatasetId,
    query: { by?: 'block' | 'time'; from?: number; to?: number; cursor?: string; limit?: number },
  ): Promise<ListBatchesResponse> {
    this.calls.push({ name: 'list-batches', blocks: [] });
    const { by = 'block', from = 0, to = Number.MAX_SAFE_INTEGER, limit = 500 } = query;
    const lines = this.batches.map(({ manifest, segment }) => {
      const times = manifest.blocks.map((_, number) => 1_790_000_000_000 + 1000 * (manifest.first + number));
      return {
        first: manifest.first,
        count: manifest.blocks.length,
        serial: manifest.serial,
        key: segment.key,
        sizeBytes: segment.car.length,
        state: 'final' as const,
        reason: null,
        lost: false,
        tx: null,
        root: to0x(manifest.head.root),
        fromMs: times[0] ?? null,
        toMs: times.at(-1) ?? null,
        receivedAtMs: 0,
      };
    });
    const meets = lines.filter(({ first, count, fromMs, toMs }) =>
      by === 'block' ? first <= to && first + count > from : (fromMs ?? 0) <= to && (toMs ?? 0) >= from,
    );
    const start = Number(query.cursor ?? 0);
    const head = { size: 0, root: to0x(EMPTY_ROOT) };
    return {
      recorded: head,
      final: head,
      round: null,
      batches: meets.slice(start, start + limit),
      next: start + limit < meets.length ? String(start + limit) : null,
    };
  }

  async getSegment(
    _dataset: DatasetId,
    first: number,
  ): Promise<{ key: string; get: PresignedRequest; sizeBytes: number }> {
    this.calls.push({ name: 'get-segment', blocks: [first] });
    const batch = this.batches.find(({ manifest }) => manifest.first === first);
    if (batch === undefined)
      throw new RequestRefusedError('No such batch.', { type: '/problems/not-found', status: 404 });
    const { key, car } = batch.segment;
    return { key, get: { method: 'GET', url: key, headers: {}, expiresAtMs: 1 }, sizeBytes: car.length };
  }

  async getAnchor(_dataset: DatasetId, { since = 0 }: { readonly since?: number } = {}): Promise<DatasetAnchor> {
    const last = this.batches.at(-1);
    if (last === undefined)
      return { charter: charterOf(WRITER.kind), head: null, round: null, final: null, growth: [] };
    const { dataset, serial, head, signature } = last.manifest;
    const log = { subtrees: subtreesOfLeaves(this.primitives, this.leafHashes()) };
    return {
      charter: charterOf(WRITER.kind),
      head: { dataset, ...head, serial, signature },
      round: null,
      final: null,
      growth: since < head.size ? [await buildGrowth(log, since, head.size)] : [],
    };
  }

  putCharter(): Promise<never> {
    throw new Error('No charter is shown in these tests.');
  }

  uploadSegment(): Promise<never> {
    throw new Error('Nothing is uploaded in these tests.');
  }

  /** What stands behind a presigned GET. */
  readonly download = async (get: PresignedRequest): Promise<Uint8Array | null> => this.objects.get(get.url) ?? null;

  /** Where a block's bytes lie. */
  locate(index: number): { key: string; offset: number; size: number } {
    const batch = this.batches.find(holds(index));
    if (batch === undefined) throw new Error(`No block ${index}.`);
    const { offsets, manifest } = this.#frontOf(batch);
    const number = index - manifest.first;
    return { key: batch.segment.key, offset: offsets[number] as number, size: manifest.blocks[number]?.size as number };
  }

  /** Flips one bit of a stored block, behind everybody's back. */
  flipBit(index: number, bit = 0): void {
    const { key, offset } = this.locate(index);
    (this.objects.get(key) as Uint8Array)[offset + (bit >> 3)]! ^= 1 << (bit & 7);
  }

  protected batchOf(dataset: DatasetId, index: number): SealedBatch | null {
    return this.batches.filter(({ manifest }) => manifest.dataset === dataset).find(holds(index)) ?? null;
  }

  protected storedBlock(dataset: DatasetId, index: number): { block: Uint8Array; batch: SealedBatch } | Fault {
    const batch = this.batchOf(dataset, index);
    if (batch === null) return { index, kind: 'unrecorded', reason: 'No such block.' };
    const { key, offset, size } = this.locate(index);
    const object = this.objects.get(key);
    if (object === undefined) return { index, kind: 'unavailable', reason: 'The object is gone.' };
    const block = object.subarray(offset, offset + size);
    if (block.length < size) return { index, kind: 'unavailable', reason: 'The object ends before the block does.' };
    return { block, batch };
  }

  #frontOf(batch: SealedBatch): SegmentFront {
    const front = this.#fronts.get(batch) ?? readSegmentFront(this.primitives, batch.segment.car);
    this.#fronts.set(batch, front);
    return front;
  }

  #answer<T>(
    dataset: DatasetId,
    blocks: readonly number[],
    work: (index: number, block: Uint8Array, batch: SealedBatch) => T,
  ): Answers<T> {
    const answers: (T | Fault)[] = [];
    let room = this.requestBytes;
    for (const [number, index] of blocks.entries()) {
      const found = this.storedBlock(dataset, index);
      if ('reason' in found) {
        answers.push(found);
        continue;
      }
      room -= found.block.length;
      if (room < 0 && number > 0) return { answers, remaining: blocks.slice(number) };
      answers.push(work(index, found.block, found.batch));
    }
    return { answers, remaining: [] };
  }
}

function holds(index: number) {
  return ({ manifest: { first, blocks } }: SealedBatch) => index >= first && index < first + blocks.length;
}

/** Puts the stored bytes of two blocks of one size in each other's place. */
export function swapBlocks(storage: HonestStorage, a: number, b: number): void {
  const [one, two] = [storage.locate(a), storage.locate(b)];
  const [first, second] = [one, two].map(({ key, offset, size }) =>
    (storage.objects.get(key) as Uint8Array).slice(offset, offset + size),
  ) as [Uint8Array, Uint8Array];
  if (equalBytes(first, second) || one.size !== two.size)
    throw new Error('Swap two blocks that differ and have one size.');
  (storage.objects.get(one.key) as Uint8Array).set(second, one.offset);
  (storage.objects.get(two.key) as Uint8Array).set(first, two.offset);
}
