import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import {
  GetObjectCommand,
  type GetObjectCommandInput,
  type GetObjectCommandOutput,
  PutObjectCommand,
  type PutObjectCommandInput,
  type PutObjectCommandOutput,
  type S3Client,
} from '@aws-sdk/client-s3';
import { makeClient, sendWire, signCommand, type WireRequest, type WireResponse } from './signed-request.ts';
import type { ObjectStoreBehaviour, ObjectStoreTarget, RunningObjectStore } from './target.ts';

export const BODY = Buffer.from('a segment of 25 bytes, ok');

/** What the tests of one store share; store and client are there once the tests run. */
export interface Bench {
  readonly behaviour: ObjectStoreBehaviour;
  readonly store: RunningObjectStore;
  readonly client: S3Client;
  start(): Promise<void>;
  stop(): Promise<void>;
  /** kill -9 and a fresh start, with a client that has no old connections. */
  crash(): Promise<void>;
  newKey(): string;
  putCommand(key: string, more?: Partial<PutObjectCommandInput>): PutObjectCommand;
  put(key: string, more?: Partial<PutObjectCommandInput>): Promise<PutObjectCommandOutput>;
  get(key: string, more?: Partial<GetObjectCommandInput>): Promise<GetObjectCommandOutput>;
  /** The bytes, after checking that the entity tag is theirs. */
  read(key: string): Promise<Buffer>;
  assertAbsent(key: string): Promise<void>;
  /** Signs a PUT of BODY, alters it, and asserts that it is refused and nothing is kept. */
  refusesAltered(
    alter: (wire: WireRequest) => WireRequest,
    statuses: readonly number[],
    sign?: { more?: Partial<PutObjectCommandInput>; options?: Parameters<typeof signCommand>[2] },
  ): Promise<void>;
}

export function makeBench(target: ObjectStoreTarget): Bench {
  let running: { store: RunningObjectStore; client: S3Client } | null = null;
  let serial = 0;
  const bench: Bench = {
    behaviour: target.behaviour,
    get store() {
      if (running === null) throw new Error('The store is not running.');
      return running.store;
    },
    get client() {
      if (running === null) throw new Error('The store is not running.');
      return running.client;
    },
    async start() {
      const store = await target.start();
      running = { store, client: makeClient(store) };
    },
    async stop() {
      running?.client.destroy();
      await running?.store.stop();
    },
    async crash() {
      await bench.store.restart();
      bench.client.destroy();
      running = { store: bench.store, client: makeClient(bench.store) };
    },
    newKey: () => `case/${serial++}/${randomBytes(4).toString('hex')}.car`,
    putCommand: (key, more = {}) => new PutObjectCommand({ Bucket: bench.store.bucket, Key: key, Body: BODY, ...more }),
    put: (key, more) => bench.client.send(bench.putCommand(key, more)),
    get: async (key, more = {}) =>
      bench.client.send(new GetObjectCommand({ Bucket: bench.store.bucket, Key: key, ...more })),
    async read(key) {
      const found = await bench.get(key);
      const bytes = Buffer.from(await found.Body!.transformToByteArray());
      assert.equal(found.ETag, `"${md5(bytes)}"`);
      return bytes;
    },
    assertAbsent: (key) => assert.rejects(bench.get(key), { name: 'NoSuchKey' }),
    async refusesAltered(alter, statuses, sign = {}) {
      const key = bench.newKey();
      const wire = await signCommand(bench.store, bench.putCommand(key, sign.more), sign.options);
      assertRefused(await sendWire(bench.store, alter(wire)), statuses);
      await bench.assertAbsent(key);
    },
  };
  return bench;
}

export function assertRefused(response: WireResponse, statuses: readonly number[]): void {
  assert.ok(statuses.includes(response.status), `status ${response.status} ${response.code}; expected ${statuses}`);
}

export function withHeaders(headers: Record<string, string>): (wire: WireRequest) => WireRequest {
  return (wire) => ({ ...wire, headers: { ...wire.headers, ...headers } });
}

export function withBody(body: Uint8Array): (wire: WireRequest) => WireRequest {
  return (wire) => ({ ...wire, body, headers: { ...wire.headers, 'content-length': String(body.length) } });
}

export function flipBit(bytes: Uint8Array): Buffer {
  const flipped = Buffer.from(bytes);
  flipped[7]! ^= 4;
  return flipped;
}

export function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('base64');
}

export function md5(bytes: Uint8Array, encoding: 'hex' | 'base64' = 'hex'): string {
  return createHash('md5').update(bytes).digest(encoding);
}

/** A request's line and headers as bytes. */
export function requestHead(wire: WireRequest): Buffer {
  const lines = Object.entries(wire.headers).filter(([name]) => name !== 'expect');
  const head = lines.map(([name, value]) => `${name}: ${value}\r\n`).join('');
  return Buffer.from(`${wire.method} ${wire.target} HTTP/1.1\r\n${head}connection: close\r\n\r\n`, 'latin1');
}

/** Sends raw bytes, then ends the sending side, and returns whatever comes back. */
export async function sendBytes(store: RunningObjectStore, bytes: Uint8Array): Promise<string> {
  const { hostname, port } = new URL(store.endpoint);
  const socket = connect(Number(port), hostname);
  socket.setTimeout(10_000, () => socket.destroy());
  socket.end(bytes);
  return text(socket).catch(() => '');
}

export async function inParallel<T>(
  items: readonly T[],
  width: number,
  work: (item: T) => Promise<unknown>,
): Promise<void> {
  const queue = items.values();
  await Promise.all(
    Array.from({ length: width }, async () => {
      for (const item of queue) await work(item);
    }),
  );
}
