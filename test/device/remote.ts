import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import * as dagCbor from '@ipld/dag-cbor';
import { nodePrimitives as primitives } from '../../adapters/crypto/node-primitives.ts';
import { type BatchLeaf, batchLeafHash } from '../../core/batch/record.ts';
import { batchLeafOf, type DatasetWriter, EMPTY_LOG, type LogEnd } from '../../core/batch/seal-batch.ts';
import { parseSegmentKey, readSegment, segmentKey } from '../../core/batch/segment.ts';
import { proveChunk } from '../../core/block/chunk-tree.ts';
import { concatBytes, equalBytes, fromHex, to0x, toHex } from '../../core/bytes.ts';
import { LedgerUnavailableError, RequestRefusedError, StoreUnavailableError } from '../../core/errors.ts';
import type { Address, DatasetId, LogRoot } from '../../core/ids.ts';
import { appendLeaf, frontierRoot } from '../../core/log/frontier.ts';
import { type Head, recoverHeadSigner } from '../../core/log/head.ts';
import type { Answers, Fault, HashedBlock, ProvenChunk, Records } from '../../core/ports/css.ts';
import type { Anchor, Ledger, Recorder, SignedTransaction, Update } from '../../core/ports/ledger.ts';
import type { StorageService } from '../../core/ports/service.ts';
import type { BatchLine, WireHead } from '../../core/wire/requests.ts';

/*
 * A storage service and a chain for tests that must take them down, set them back or look into them, many times a minute,
 * from a process that outlives the device. It keeps whole segments, verifies each with core's readSegment, holds a log
 * only of batches that follow on each other under the device's signature, and its chain accepts an update only when the
 * signature over the resulting head is the device's, as DISSC does. The real service and chain are used in
 * device-on-stack.test.ts.
 */

interface Stored {
  readonly car: Uint8Array;
  readonly first: number;
  readonly sha256Hex: string;
}

interface LogBatch {
  readonly stored: Stored;
  readonly end: LogEnd;
  readonly leafHash: Uint8Array;
}

export interface Remote {
  readonly url: string;
  readonly service: StorageService;
  readonly ledger: Ledger;
  readonly recorder: Recorder;
  /** Down: every call fails as an unreachable service or chain does. */
  serviceDown: boolean;
  chainDown: boolean;
  /** Refuses uploads of objects with 500s. */
  storeDown: boolean;
  /** Relays by itself whatever is in the log, as the anchor function does. */
  relaying: boolean;
  /** Batches by which finality lags behind the latest head; Infinity: nothing becomes final. */
  finalLag: number;
  /** The account that the chain names. */
  device: Address;
  /** Offset of the service's clock. */
  clockOffsetMs: number;
  readonly objects: Map<string, Stored>;
  readonly log: LogBatch[];
  /** Heads the chain has had, the empty one first. */
  readonly chain: Head[];
  /** Everything uploaded, in order of arrival, repeats included. */
  readonly puts: string[];
  /** Puts a batch in the log as if it had been uploaded. */
  ingest(car: Uint8Array): void;
  /** Forgets an object's bytes, as a store that lost them. */
  lose(first: number): void;
  /** The log's blocks, in order. */
  blocks(): { block: Uint8Array; meta: Uint8Array; index: number; nonce: Uint8Array | null }[];
  close(): Promise<void>;
}

export async function startRemote(writer: Pick<DatasetWriter, 'dataset' | 'domain'>, device: Address): Promise<Remote> {
  const { dataset, domain } = writer;
  const state = {
    serviceDown: false,
    chainDown: false,
    storeDown: false,
    relaying: true,
    finalLag: 0,
    device,
    clockOffsetMs: 0,
    objects: new Map<string, Stored>(),
    log: [] as LogBatch[],
    chain: [{ dataset, size: 0, batches: 0, root: new Uint8Array(32) as LogRoot }] as Head[],
    puts: [] as string[],
    transactions: [] as string[],
  };

  const endOfLog = (): LogEnd => state.log.at(-1)?.end ?? EMPTY_LOG;
  const headOf = ({ size, frontier }: LogEnd): Head => ({
    ...{ dataset, size, batches: frontier.leaves, root: frontierRoot(primitives, frontier) },
  });
  const latestHead = (): Head => state.chain.at(-1) as Head;
  const finalHead = (): Head => state.chain.at(Math.max(0, state.chain.length - 1 - state.finalLag)) as Head;

  function ingest(car: Uint8Array): void {
    const { manifest } = readSegment(primitives, car);
    const sha256 = primitives.sha256(car);
    const stored = { car, first: manifest.first, sha256Hex: toHex(sha256) };
    state.objects.set(segmentKey(dataset, manifest.first, sha256), stored);
    extendLog();
  }

  /** Every stored segment that follows on the log, in turn: order of arrival does not matter. */
  function extendLog(): void {
    for (let again = true; again; ) {
      again = false;
      for (const stored of state.objects.values()) {
        const end = endOfLog();
        if (stored.first !== end.size || stored.car.length === 0) continue;
        const { manifest } = opened(stored);
        const leafHash = batchLeafHash(primitives, batchLeafOf(primitives, manifest));
        const frontier = appendLeaf(primitives, end.frontier, leafHash);
        if (!equalBytes(frontierRoot(primitives, frontier), manifest.head.root)) continue;
        recoverHeadSigner(domain, { dataset, ...manifest.head }, manifest.signature);
        state.log.push({ stored, end: { size: manifest.head.size, frontier }, leafHash });
        again = true;
      }
    }
    if (state.relaying) relay();
  }

  function relay(): void {
    for (const { end, stored } of state.log.slice(latestHead().batches)) {
      const { manifest } = opened(stored);
      const signer = recoverHeadSigner(domain, { dataset, ...manifest.head }, manifest.signature);
      if (signer === state.device) state.chain.push(headOf(end));
    }
  }

  const wire = ({ size, batches, root }: Head): WireHead => ({ size, batches, root: to0x(root) as WireHead['root'] });
  const requireService = (): void => {
    if (state.serviceDown) throw new StoreUnavailableError('The service does not answer.');
  };
  const requireChain = (): void => {
    if (state.chainDown) throw new LedgerUnavailableError('The chain does not answer.');
  };
  const batchOf = (index: number): LogBatch | undefined => state.log.find((batch) => index < batch.end.size);
  const presign = (method: 'PUT' | 'GET', key: string, headers: Record<string, string>) => ({
    ...{ method, url: `${url()}/object/${key}`, headers, expiresAtMs: Date.now() + state.clockOffsetMs + 900_000 },
  });

  function answer<T>(indices: readonly number[], make: (index: number, block: Uint8Array, meta: Uint8Array) => T) {
    const answers = indices.map((index): T | Fault => {
      const batch = batchOf(index);
      if (batch === undefined) return { index, kind: 'unrecorded', reason: 'not in the log' };
      if (batch.stored.car.length === 0) return { index, kind: 'unavailable', reason: 'lost' };
      const { manifest, blocks } = opened(batch.stored);
      const number = index - manifest.first;
      return make(index, blocks[number] as Uint8Array, manifest.blocks[number]?.meta as Uint8Array);
    });
    return { answers, remaining: [] };
  }

  const service: StorageService = {
    async uploadSegment(_dataset, { first, sha256, sizeBytes }) {
      requireService();
      const key = segmentKey(dataset, first, sha256);
      const there = (state.objects.get(key)?.car.length ?? 0) > 0;
      const headers = {
        'content-length': String(sizeBytes),
        'x-amz-checksum-sha256': toHex(sha256),
        'if-none-match': '*',
      };
      return {
        key,
        put: there ? null : presign('PUT', key, headers),
        recorded: wire(latestHead()),
        final: wire(finalHead()),
      };
    },
    async listBatches(_dataset, { from = 0, limit = 100, cursor }) {
      requireService();
      const listed = [...state.objects]
        .filter(([, stored]) => stored.first >= from)
        .sort(([a], [b]) => (a < b ? -1 : 1));
      const start = cursor === undefined ? 0 : Number(cursor);
      const page = listed.slice(start, start + limit);
      const next = start + limit < listed.length ? String(start + limit) : null;
      const lines = page.map(([key, stored]): BatchLine => lineOf(key, stored));
      return { recorded: wire(latestHead()), final: wire(finalHead()), batches: lines, next };
    },
    async getSegment(_dataset, first) {
      requireService();
      const batch = state.log.find(({ stored }) => stored.first === first);
      if (batch === undefined)
        throw new RequestRefusedError('No batch begins there.', { type: '/problems/not-found', status: 404 });
      const key = segmentKey(dataset, first, fromHex(batch.stored.sha256Hex));
      return { key, get: presign('GET', key, {}), sizeBytes: batch.stored.car.length };
    },
    async hashBlocks(): Promise<Answers<HashedBlock>> {
      throw new Error('not needed by a device');
    },
    async proveChunks(_dataset, challenges) {
      requireService();
      const random = new Map(challenges.map((one) => [one.index, one.random]));
      return answer<ProvenChunk>(
        challenges.map((one) => one.index),
        (index, block, meta) => {
          const { chunk, path } = proveChunk(primitives, block, random.get(index) as number);
          const [sha256, metaHash] = [primitives.sha256(block), primitives.sha256(meta)];
          return { index, size: block.length, sha256, metaHash, chunk, path } as unknown as ProvenChunk;
        },
      );
    },
    async getBlock() {
      throw new Error('not needed by a device');
    },
    async getRecords(_dataset, blocks, batches): Promise<Records> {
      requireService();
      // For the last leaf of a log the proof is the frontier of those before it.
      const batch = state.log[batches - 1] as LogBatch;
      const { manifest } = opened(batch.stored);
      const before = state.log[batches - 2]?.end ?? EMPTY_LOG;
      const leaf = batchLeafOf(primitives, manifest);
      const { salt, sealedHash, first, count } = leaf;
      const { nonce, contentCommitment } = manifest;
      const records = blocks.map((index) => ({ index, ...manifest.blocks[index - first] })) as never;
      const shown = { position: batches - 1, first, count, salt, sealedHash, contentCommitment, nonce, records };
      return { batches: [{ ...shown, largestBlockBytes: 0, proof: [] }], proof: before.frontier.peaks, faults: [] };
    },
  };

  function lineOf(key: string, stored: Stored): BatchLine {
    const inLog = state.log.some((batch) => batch.stored.sha256Hex === stored.sha256Hex);
    const end = state.log.find((batch) => batch.stored.sha256Hex === stored.sha256Hex)?.end;
    const recorded = end !== undefined && end.frontier.leaves <= latestHead().batches;
    const shown = {
      ...{ key, first: stored.first, count: null, batches: null, sizeBytes: stored.car.length },
      state: recorded ? ('recorded' as const) : ('received' as const),
      ...{ reason: null, lost: false, tx: null, root: null, fromMs: null, toMs: null, receivedAtMs: 0 },
    };
    return inLog ? shown : { ...shown, state: 'received' };
  }

  const point = (head: Head) => ({
    blockNumber: state.chain.indexOf(head),
    blockHash: '0x00',
    timestampMs: Date.now(),
  });
  const ledger: Ledger = {
    domain,
    async readHeads(_datasets, anchor: Anchor) {
      requireChain();
      const head = anchor === 'latest' ? latestHead() : finalHead();
      return { point: point(head), heads: [head] };
    },
    async readParties() {
      requireChain();
      return { point: point(latestHead()), parties: [{ owner: state.device, device: state.device }] };
    },
    async findRecorded() {
      return [];
    },
  };

  const recorder: Recorder = {
    account: device,
    async simulate(updates) {
      requireChain();
      return { accepted: updates.map((update) => apply(update) !== null), gas: 100_000n };
    },
    async prepare(updates, { nonce }) {
      requireChain();
      const raw = toHex(dagCbor.encode(encodeUpdate(updates[0] as Update)));
      const hash = to0x(primitives.sha256(concatBytes(fromHex(raw), Uint8Array.of(nonce))));
      return { hash, nonce, raw, maxFeePerGasWei: 1n, maxPriorityFeePerGasWei: 1n };
    },
    async broadcast(transaction: SignedTransaction) {
      requireChain();
      if (state.transactions.length !== transaction.nonce) return;
      state.transactions.push(transaction.hash);
      const head = apply(decodeUpdate(dagCbor.decode(fromHex(transaction.raw))));
      if (head !== null) state.chain.push(head);
    },
    async nonces() {
      requireChain();
      return { latest: state.transactions.length, final: state.transactions.length };
    },
    async receipt(hash) {
      requireChain();
      return state.transactions.includes(hash) ? { blockNumber: 1, final: true, ok: true } : null;
    },
    async balanceWei() {
      return 1n;
    },
  };

  /** What DISSC does: appends the leaves, accepts when the device signed the head they lead to. */
  function apply(update: Update): Head | null {
    const before = latestHead();
    let end = before.batches === 0 ? EMPTY_LOG : state.log[before.batches - 1]?.end;
    if (end === undefined) return null;
    for (const { count, salt, batchRoot, sealed } of update.leaves) {
      if (sealed !== null) throw new Error('The remote of these tests records rooted batches.');
      const sealedHash = new Uint8Array(32) as never;
      const leaf: BatchLeaf = { dataset, first: end.size, count, salt, batchRoot, sealedHash };
      end = { size: end.size + count, frontier: appendLeaf(primitives, end.frontier, batchLeafHash(primitives, leaf)) };
    }
    const head = headOf(end);
    return recoverHeadSigner(domain, head, update.signature) === state.device ? head : null;
  }

  const server = createServer((request, response) => {
    void handle(request, response).catch((cause) => {
      response.writeHead(500).end(String(cause));
    });
  });

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = request.url ?? '';
    if (path.startsWith('/object/')) {
      await handleObject(decodeURIComponent(path.slice('/object/'.length)), request, response);
      return;
    }
    const [, port, method] = path.split('/');
    const args = dagCbor.decode(await readBody(request)) as unknown[];
    const target = { service, ledger, recorder }[port as 'service'] as unknown as Record<string, unknown>;
    try {
      const result = await (target[method as string] as (...args: unknown[]) => Promise<unknown>)(...args);
      response.end(dagCbor.encode({ result: plain(result) }));
    } catch (cause) {
      const error = cause as { name: string; message: string; type?: string; status?: number };
      const { name, message, type = '', status = 0 } = error;
      response.end(dagCbor.encode({ error: { name, message, type, status } }));
    }
  }

  async function handleObject(key: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
    const stored = state.objects.get(key);
    if (state.storeDown || state.serviceDown) {
      request.resume();
      response.writeHead(503).end();
    } else if (request.method === 'GET') {
      response.writeHead(stored === undefined ? 404 : 200).end(stored?.car);
    } else if (stored !== undefined && stored.car.length > 0) {
      request.resume();
      response.writeHead(412).end();
    } else {
      if (request.headers['cache-control'] !== undefined) throw new Error('a header that was not signed');
      const body = await readBody(request);
      const named = parseSegmentKey(key);
      if (toHex(primitives.sha256(body)) !== named?.sha256Hex || request.headers['if-none-match'] !== '*') {
        response.writeHead(400).end();
        return;
      }
      if (stored === undefined) state.puts.push(key);
      if (stored !== undefined) (stored as { car: Uint8Array }).car = body;
      else ingest(body);
      response.writeHead(200).end();
    }
  }

  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = (): string => `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

  return Object.assign(state, {
    url: url(),
    service,
    ledger,
    recorder,
    ingest,
    lose(first: number) {
      const batch = state.log.find(({ stored }) => stored.first === first);
      (batch?.stored as { car: Uint8Array }).car = new Uint8Array(0);
    },
    blocks() {
      return state.log.flatMap(({ stored }) => {
        const { manifest, blocks } = opened(stored);
        return blocks.map((block, number) => ({
          ...{ block, index: manifest.first + number, nonce: manifest.nonce },
          meta: manifest.blocks[number]?.meta as Uint8Array,
        }));
      });
    },
    close: () => closeServer(server),
  });
}

/** The remote's ports from another process. */
export function remotePorts(
  url: string,
  domain: DatasetWriter['domain'],
  account: Address,
): { service: StorageService; ledger: Ledger; recorder: Recorder } {
  const port = (name: string): Record<string, unknown> =>
    new Proxy(
      {},
      {
        get: (target: Record<string, unknown>, method: string) =>
          target[method] ??
          (async (...args: unknown[]) => {
            const sent = args.filter((argument) => !(argument instanceof AbortSignal)).map(plain);
            const unavailable = name === 'service' ? StoreUnavailableError : LedgerUnavailableError;
            const response = await fetch(`${url}/${name}/${method}`, {
              method: 'POST',
              body: dagCbor.encode(sent) as Uint8Array<ArrayBuffer>,
            }).catch((cause) => {
              throw new unavailable('The remote does not answer.', { cause });
            });
            const answered = dagCbor.decode(new Uint8Array(await response.arrayBuffer())) as {
              result?: unknown;
              error?: { name: string; message: string; type: string; status: number };
            };
            if (answered.error === undefined) return revive(answered.result);
            const { name: kind, message, type, status } = answered.error;
            throw kind === 'RequestRefusedError'
              ? new RequestRefusedError(message, { type, status })
              : new unavailable(message);
          }),
      },
    );
  return {
    service: port('service') as unknown as StorageService,
    ledger: Object.assign(port('ledger'), { domain }) as unknown as Ledger,
    recorder: Object.assign(port('recorder'), { account }) as unknown as Recorder,
  };
}

export function readBody(request: IncomingMessage): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    const parts: Uint8Array[] = [];
    request.on('data', (part: Buffer) => parts.push(part));
    request.on('end', () => resolve(concatBytes(...parts)));
    request.on('error', reject);
  });
}

const read = new WeakMap<Uint8Array, ReturnType<typeof readSegment>>();

/** A whole segment, verified once. */
function opened({ car }: Stored): ReturnType<typeof readSegment> {
  let segment = read.get(car);
  if (segment === undefined) {
    segment = readSegment(primitives, car);
    read.set(car, segment);
  }
  return segment;
}

function closeServer(server: Server): Promise<void> {
  server.closeAllConnections();
  return new Promise((resolve) => server.close(() => resolve()));
}

function encodeUpdate(update: Update): unknown {
  const leaves = update.leaves.map(({ count, salt, batchRoot }) => ({ count, salt, batchRoot }));
  return { dataset: update.dataset, leaves, signature: update.signature };
}

function decodeUpdate(value: unknown): Update {
  const update = value as { dataset: DatasetId; leaves: object[]; signature: Uint8Array };
  return { ...update, leaves: update.leaves.map((leaf) => ({ ...leaf, sealed: null })) } as unknown as Update;
}

/** dag-cbor knows neither bigint nor undefined. */
function plain(value: unknown): unknown {
  if (typeof value === 'bigint') return { bigint: value.toString() };
  if (value instanceof Uint8Array) return new Uint8Array(value);
  if (Array.isArray(value)) return value.map(plain);
  if (value === null || typeof value !== 'object') return value ?? null;
  const entries = Object.entries(value).filter(([, one]) => one !== undefined);
  return Object.fromEntries(entries.map(([key, one]) => [key, plain(one)]));
}

function revive(value: unknown): unknown {
  if (value === null || typeof value !== 'object' || value instanceof Uint8Array) return value;
  if (Array.isArray(value)) return value.map(revive);
  const map = value as Record<string, unknown>;
  if (typeof map.bigint === 'string') return BigInt(map.bigint);
  return Object.fromEntries(Object.entries(map).map(([key, one]) => [key, revive(one)]));
}
