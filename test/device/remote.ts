import { createServer, type IncomingMessage, request, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import * as dagCbor from '@ipld/dag-cbor';
import { nodePrimitives as primitives } from '../../adapters/crypto/node-primitives.ts';
import { readSegment } from '../../core/batch/read-segment.ts';
import type { DatasetWriter } from '../../core/batch/seal-batch.ts';
import { parseSegmentKey, segmentKey } from '../../core/batch/segment-key.ts';
import { verifyBatch } from '../../core/batch/verify-batch.ts';
import { proveChunk } from '../../core/block/chunk-tree.ts';
import { concatBytes, equalBytes, fromHex, to0x, toHex } from '../../core/bytes.ts';
import {
  datasetOfCharter,
  isSameCharter,
  requireCharterSignature,
  type SignedCharter,
} from '../../core/charter/charter.ts';
import { LedgerUnavailableError, ProofError, RequestRefusedError, StoreUnavailableError } from '../../core/errors.ts';
import type { Address, Nonce } from '../../core/ids.ts';
import { growthOfLeaves } from '../../core/log/build-growth.ts';
import type { Head } from '../../core/log/head.ts';
import { multiproof } from '../../core/log/multiproof.ts';
import { EMPTY_PEAKS, type Peaks, rootOfPeaks } from '../../core/log/peaks.ts';
import { subtreesOfLeaves } from '../../core/log/subtree-source.ts';
import type { Answers, Fault, HashedBlock, ProvenChunk, Records } from '../../core/ports/css.ts';
import type { Ledger, Recorder } from '../../core/ports/ledger.ts';
import type { DatasetAnchor, StorageService } from '../../core/ports/service.ts';
import type { BatchLine, UploadSegmentResponse, WireHead } from '../../core/wire/requests.ts';
import { createMemoryChain, type MemoryChain } from './memory-chain.ts';
import { plain, revive } from './wire-values.ts';

/*
 * A storage service and a chain for tests that must take them down, set them back or look into them, many times a minute,
 * from a process that outlives the device. It keeps whole segments, verifies each with core's readSegment, and holds a log
 * only of batches that follow on each other, behind what the chain has recorded; its chain keeps DISSC's rules
 * (memory-chain.ts). The real service and chain are used in device-on-stack.test.ts.
 */

interface Stored {
  readonly car: Uint8Array;
  readonly first: number;
  readonly sha256Hex: string;
}

interface LogBatch {
  /** Null for a stretch that the chain has recorded and nobody has stored. */
  readonly stored: Stored | null;
  readonly first: number;
  readonly end: Peaks;
  readonly signer: Address | null;
  readonly leafHashes: readonly Uint8Array[];
}

/** A block of the log as the storage has it. */
interface LogBlock {
  readonly block: Uint8Array;
  readonly meta: Uint8Array;
  readonly index: number;
  readonly nonce: Nonce | null;
  /** Of the device that sealed it. */
  readonly serial: number;
}

export interface Remote extends MemoryChain {
  readonly url: string;
  readonly service: StorageService;
  /** Down: every call fails as an unreachable service does. */
  serviceDown: boolean;
  /** Answers uploads with 200 and stores nothing, as a captive portal does. */
  lying: boolean;
  /** Loses the events of the store: what is uploaded lies there and is not checked in. */
  deaf: boolean;
  /** Refuses uploads of objects with 500s. */
  storeDown: boolean;
  /** Relays by itself whatever is in the log, as the anchor function does. */
  relaying: boolean;
  /** What it was shown; null: it does not know the dataset yet. */
  charter: SignedCharter | null;
  /** Offset of the service's clock. */
  clockOffsetMs: number;
  readonly objects: Map<string, Stored>;
  readonly log: LogBatch[];
  /** Everything uploaded, in order of arrival, repeats included. */
  readonly puts: string[];
  /** Records what is in the log, once. */
  relay(): void;
  /** Puts a batch in the log as if it had been uploaded. */
  ingest(car: Uint8Array): void;
  /** Forgets an object's bytes, as a store that lost them. */
  lose(first: number): void;
  /** The blocks of the log that the storage has, in order. */
  blocks(): LogBlock[];
  /** Sends a charter to the chain, as its owner does, and the service reads it there. */
  charterOnChain(charter: SignedCharter): void;
  close(): Promise<void>;
}

export async function startRemote(writer: DatasetWriter & { readonly charter: SignedCharter }): Promise<Remote> {
  const { dataset, domain, kind } = writer;
  const chain = createMemoryChain(writer, writer.charter.device);
  const state = Object.assign(chain, {
    serviceDown: false,
    storeDown: false,
    lying: false,
    deaf: false,
    relaying: true,
    charter: null as SignedCharter | null,
    clockOffsetMs: 0,
    objects: new Map<string, Stored>(),
    log: [] as LogBatch[],
    puts: [] as string[],
    unheard: new Set<string>(),
  });

  const endOfLog = (): Peaks => state.log.at(-1)?.end ?? EMPTY_PEAKS;

  function ingest(car: Uint8Array): void {
    const { manifest } = readSegment(primitives, car);
    const sha256 = primitives.sha256(car);
    const stored = { car, first: manifest.first, sha256Hex: toHex(sha256) };
    const key = segmentKey(dataset, manifest.first, sha256);
    state.objects.set(key, stored);
    if (state.deaf) state.unheard.add(key);
    else extendLog();
  }

  /** Every stored segment that follows on the log, in turn: order of arrival does not matter. */
  function extendLog(): void {
    followChain();
    fillGaps();
    for (let again = true; again; ) {
      again = false;
      for (const [key, stored] of state.objects) {
        if (state.unheard.has(key)) continue;
        const before = endOfLog();
        if (stored.first !== before.size || stored.car.length === 0) continue;
        try {
          const verified = verifyBatch(primitives, { domain, dataset, kind, before }, opened(stored).manifest);
          state.log.push({ ...verified, stored, first: stored.first });
          again = true;
        } catch (cause) {
          if (!(cause instanceof ProofError)) throw cause;
        }
      }
    }
    if (state.relaying) relay();
  }

  /** Segments that come later than the chain's word fill the gap. */
  function fillGaps(): void {
    for (const [at, gap] of state.log.entries()) {
      if (gap.stored !== null) continue;
      const before = state.log[at - 1]?.end ?? EMPTY_PEAKS;
      for (const [key, stored] of state.objects) {
        if (stored.first !== gap.first || stored.car.length === 0 || state.unheard.has(key)) continue;
        const verified = verifyBatch(primitives, { domain, dataset, kind, before }, opened(stored).manifest);
        const isOfChain = equalBytes(rootOfPeaks(primitives, verified.end), rootOfPeaks(primitives, gap.end));
        if (isOfChain && verified.end.size === gap.end.size)
          state.log[at] = { ...verified, stored, first: stored.first };
      }
    }
  }

  /** What the chain has recorded is the log, whoever has its blocks. */
  function followChain(): void {
    for (const { size, root, peaks, signer } of state.chain) {
      const at = state.log.findIndex(({ end }) => end.size >= size);
      const end = at === -1 ? null : (state.log[at] as LogBatch).end;
      if (size === 0 || (end?.size === size && equalBytes(rootOfPeaks(primitives, end), root))) continue;
      const kept = state.log.filter((batch) =>
        state.chain.some((head) => head.size < size && head.size >= batch.end.size),
      );
      state.log.splice(0, Number.POSITIVE_INFINITY, ...kept);
      state.log.push({ stored: null, first: kept.at(-1)?.end.size ?? 0, end: peaks, signer, leafHashes: [] });
    }
  }

  function relay(): void {
    if (state.charters.length === 0 && state.charter !== null) state.record({ charters: [state.charter], updates: [] });
    let leaves: Uint8Array[] = [];
    for (const { end, stored, signer, leafHashes } of state.log) {
      if (end.size <= state.latestHead().size || stored === null) continue;
      leaves = [...leaves, ...leafHashes];
      if (signer !== state.charters.at(-1)?.device) continue;
      const { head, signature } = opened(stored).manifest;
      const growth = growthOfLeaves(primitives, state.latestHead().peaks, leaves);
      state.record({ charters: [], updates: [{ dataset, ...head, ...growth, signature }] });
      leaves = [];
    }
  }

  const wire = ({ size, root }: Head): WireHead => ({ size, root: to0x(root) as WireHead['root'] });
  const heads = () => ({ recorded: wire(state.latestHead()), final: wire(state.finalHead()), round: null });
  const requireService = (): void => {
    if (state.serviceDown) throw new StoreUnavailableError('The service does not answer.');
  };
  const requireKnown = (): SignedCharter => {
    requireService();
    if (state.charter !== null) return state.charter;
    const problem = { type: '/problems/not-found', status: 404 };
    throw new RequestRefusedError('This service does not know the dataset.', problem);
  };
  const batchOf = (index: number): LogBatch | undefined => state.log.find((batch) => index < batch.end.size);
  const presign = (method: 'PUT' | 'GET', key: string, headers: Record<string, string>) => ({
    ...{ method, url: `${url()}/object/${key}`, headers, expiresAtMs: Date.now() + state.clockOffsetMs + 900_000 },
  });

  function answer<T>(indices: readonly number[], make: (index: number, block: Uint8Array, meta: Uint8Array) => T) {
    const answers = indices.map((index): T | Fault => {
      const batch = batchOf(index);
      if (batch === undefined) return { index, kind: 'unrecorded', reason: 'not in the log' };
      if (batch.stored === null || batch.stored.car.length === 0) return { index, kind: 'unavailable', reason: 'lost' };
      const { manifest, blocks } = opened(batch.stored);
      const number = index - manifest.first;
      return make(index, blocks[number] as Uint8Array, manifest.blocks[number]?.meta as Uint8Array);
    });
    return { answers, remaining: [] };
  }

  /** What the log says of a segment that is stored. */
  function placeOf(first: number, sha256: Uint8Array): Pick<UploadSegmentResponse, 'state' | 'waitsFor'> {
    const { size } = endOfLog();
    if (size <= first) return { state: 'waiting', waitsFor: size };
    const isOurs = state.log.some(({ stored }) => stored?.sha256Hex === toHex(sha256));
    return { state: isOurs ? 'checked-in' : 'superseded', waitsFor: null };
  }

  const service: StorageService = {
    async uploadSegment(_dataset, { first, sha256, sizeBytes, look = false }) {
      requireKnown();
      const key = segmentKey(dataset, first, sha256);
      const there = (state.objects.get(key)?.car.length ?? 0) > 0;
      const headers = {
        'content-length': String(sizeBytes),
        'x-amz-checksum-sha256': toHex(sha256),
        'if-none-match': '*',
      };
      if (there && look && state.unheard.delete(key)) extendLog();
      const isKnown = there && !state.unheard.has(key);
      const put = isKnown ? null : presign('PUT', key, headers);
      return { key, put, ...(isKnown ? placeOf(first, sha256) : { state: 'absent', waitsFor: null }), ...heads() };
    },
    async listBatches(_dataset, { from = 0, limit = 100, cursor }) {
      requireKnown();
      const listed = [...state.objects]
        .filter(([key, stored]) => stored.first >= from && !state.unheard.has(key))
        .sort(([a], [b]) => (a < b ? -1 : 1));
      const start = cursor === undefined ? 0 : Number(cursor);
      const page = listed.slice(start, start + limit);
      const next = start + limit < listed.length ? String(start + limit) : null;
      return { ...heads(), batches: page.map(([key, stored]) => lineOf(key, stored)), next };
    },
    async getSegment(_dataset, first) {
      requireKnown();
      const stored = state.log.find((batch) => batch.first === first)?.stored ?? null;
      if (stored === null)
        throw new RequestRefusedError('No batch begins there.', { type: '/problems/not-found', status: 404 });
      const key = segmentKey(dataset, first, fromHex(stored.sha256Hex));
      return { key, get: presign('GET', key, {}), sizeBytes: stored.car.length };
    },
    async hashBlocks(): Promise<Answers<HashedBlock>> {
      throw new Error('not needed by a device');
    },
    async proveChunks(_dataset, challenges) {
      requireKnown();
      // As the service does every minute: what a device has recorded by itself is the log, whichever rival came first.
      followChain();
      fillGaps();
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
    async getRecords(_dataset, blocks, size): Promise<Records> {
      requireKnown();
      const below = state.log.filter(({ first }) => first < size);
      if (below.some(({ stored }) => stored === null)) {
        const problem = { type: '/problems/unrecorded', status: 404 };
        throw new RequestRefusedError('A stretch of the log is lost.', problem);
      }
      const leaves = below.flatMap(({ leafHashes }) => leafHashes).slice(0, size);
      const proof = await multiproof(
        { hasher: primitives, subtrees: subtreesOfLeaves(primitives, leaves) },
        blocks,
        size,
      );
      const batches = below.flatMap(({ stored }) => {
        const { first, serial, salt, nonce, blocks: listed } = opened(stored as Stored).manifest;
        const records = listed
          .map(({ record }, number) => ({ index: first + number, record }))
          .filter(({ index }) => blocks.includes(index));
        const hint = { first, count: listed.length, serial, salt, nonce, largestBlockBytes: 0 };
        return records.length === 0 ? [] : [{ ...hint, records }];
      });
      return { batches, proof, faults: [] };
    },
    async putCharter(_dataset, charter) {
      requireService();
      if (datasetOfCharter(domain, charter) !== dataset) throw new Error('a charter of another dataset');
      requireCharterSignature(domain, charter);
      if (state.charter !== null && isSameCharter(state.charter, charter)) return { stored: false };
      if (state.charter !== null) {
        const problem = { type: '/problems/forbidden', status: 403 };
        throw new RequestRefusedError('The chain does not have this charter, and it is not the first.', problem);
      }
      state.charter = charter;
      return { stored: true };
    },
    async getAnchor(): Promise<DatasetAnchor> {
      return { charter: requireKnown(), head: null, round: null, final: null, growth: [] };
    },
  };

  function lineOf(key: string, stored: Stored): BatchLine {
    const batch = state.log.find((one) => one.stored?.sha256Hex === stored.sha256Hex);
    const recorded = batch !== undefined && batch.end.size <= state.latestHead().size;
    return {
      ...{ key, first: stored.first, count: null, serial: null, sizeBytes: stored.car.length },
      state: recorded ? 'recorded' : 'received',
      ...{ reason: null, lost: false, tx: null, root: null, fromMs: null, toMs: null, receivedAtMs: 0 },
    };
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
    const target = { service, ledger: state.ledger, recorder: state.recorder }[port as 'service'] as unknown as Record<
      string,
      unknown
    >;
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
    } else if (state.lying) {
      request.resume();
      response.writeHead(200).end('<html>Please log in.</html>');
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
    ingest,
    relay,
    charterOnChain(charter: SignedCharter) {
      state.record({ charters: [charter], updates: [] });
      state.charter = charter;
    },
    lose(first: number) {
      const batch = state.log.find((one) => one.first === first);
      (batch?.stored as { car: Uint8Array }).car = new Uint8Array(0);
    },
    blocks() {
      return state.log.flatMap(({ stored }) => {
        if (stored === null) return [];
        const { manifest, blocks } = opened(stored);
        return blocks.map((block, number) => ({
          ...{ block, index: manifest.first + number, nonce: manifest.nonce, serial: manifest.serial },
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
            const answered = dagCbor.decode(
              await ask(`${url}/${name}/${method}`, dagCbor.encode(sent)).catch((cause) => {
                throw new unavailable('The remote does not answer.', { cause });
              }),
            ) as {
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

/** Not by `fetch`: loading it, and its first use, is a fifth of what a device takes that lives for half a second. */
function ask(url: string, body: Uint8Array): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    const asked = request(url, { method: 'POST', headers: { 'content-length': body.length } }, (response) => {
      readBody(response).then(resolve, reject);
    });
    asked.on('error', reject);
    asked.end(body);
  });
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
