import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { request } from 'node:http';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { createS3ObjectStore } from '../../adapters/s3/s3-object-store.ts';
import { ArgumentError, StoreUnavailableError } from '../../core/errors.ts';
import type { PresignedRequest } from '../../core/ports/object-store.ts';
import { type RunningS3, startS3 } from '../../local/s3/start-s3.ts';

const CREDENTIALS = { accessKeyId: 'test', secretAccessKey: 'test-secret' };
const BYTES = Uint8Array.from({ length: 10_000 }, (_, i) => i % 251);

const sha256 = (bytes: Uint8Array): Uint8Array => createHash('sha256').update(bytes).digest();

/** Sends a presigned request as it is, but for what the test changes. */
async function send(
  presigned: PresignedRequest,
  body: Uint8Array = new Uint8Array(0),
  headers: Record<string, string> = {},
): Promise<{ status: number; body: Uint8Array }> {
  const outgoing = request(presigned.url, {
    method: presigned.method,
    headers: { ...presigned.headers, ...headers },
    agent: false,
  });
  outgoing.end(body);
  const [response] = await once(outgoing, 'response');
  const parts: Uint8Array[] = [];
  for await (const part of response) parts.push(part);
  return { status: response.statusCode, body: new Uint8Array(Buffer.concat(parts)) };
}

describe('the object store on S3', () => {
  let s3: RunningS3;
  let store: ReturnType<typeof createS3ObjectStore>;
  let folder: string;
  const options = { region: 'us-east-1', bucket: 'segments', credentials: CREDENTIALS };

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'plumbline-s3-'));
    const keys = { accessKey: CREDENTIALS.accessKeyId, secretKey: CREDENTIALS.secretAccessKey };
    s3 = await startS3({ dataDir: folder, ...keys, region: 'us-east-1', buckets: ['segments'] });
    store = createS3ObjectStore({ ...options, endpoint: s3.endpoint });
    const put = await store.presignPut({ key: 'a/b.car', sizeBytes: BYTES.length, sha256: sha256(BYTES) }, 60);
    assert.equal((await send(put, BYTES)).status, 200);
  });
  after(async () => {
    store.close();
    await s3.close();
    await rm(folder, { recursive: true, force: true });
  });

  it('reads ranges, and what there is of one that reaches beyond the end', async () => {
    assert.deepEqual(await store.read('a/b.car', { start: 0, end: BYTES.length }), BYTES);
    assert.deepEqual(await store.read('a/b.car', { start: 17, end: 18 }), BYTES.slice(17, 18));
    assert.deepEqual(await store.read('a/b.car', { start: 9_990, end: 20_000 }), BYTES.slice(9_990));
    assert.deepEqual(await store.read('a/b.car', { start: 10_000, end: 10_001 }), new Uint8Array(0));
    assert.deepEqual(await store.read('a/b.car', { start: 5, end: 5 }), new Uint8Array(0));
    assert.equal(await store.size('a/b.car'), BYTES.length);
  });

  it('gives the same bytes piece by piece, and lets go when nobody reads on', async () => {
    const parts: Uint8Array[] = [];
    for await (const part of (await store.stream('a/b.car', { start: 1, end: 9_000 })) ?? []) parts.push(part);
    assert.deepEqual(new Uint8Array(Buffer.concat(parts)), BYTES.slice(1, 9_000));
    for await (const _ of (await store.stream('a/b.car', { start: 0, end: 9_000 })) ?? []) break;
  });

  it('answers null where there is no such object', async () => {
    assert.equal(await store.read('a/c.car', { start: 0, end: 10 }), null);
    assert.equal(await store.read('a/c.car', { start: 0, end: 0 }), null);
    assert.equal(await store.stream('a/c.car', { start: 0, end: 10 }), null);
    assert.equal(await store.size('a/c.car'), null);
  });

  it('refuses ranges that are none', async () => {
    for (const range of [
      { start: 2, end: 1 },
      { start: -1, end: 1 },
      { start: 0, end: 0.5 },
    ]) {
      await assert.rejects(store.read('a/b.car', range), ArgumentError);
    }
  });

  it('presigns a PUT that binds key, length, checksum and write-once', async () => {
    const body = BYTES.slice(0, 100);
    const other = BYTES.slice(1, 101);
    const presign = (key: string) => store.presignPut({ key, sizeBytes: 100, sha256: sha256(body) }, 60);
    const put = await presign('p/one');
    assert.ok(put.expiresAtMs > Date.now() + 50_000 && put.expiresAtMs < Date.now() + 70_000);
    const checksum = Buffer.from(sha256(other)).toString('base64');
    const tampered = [
      await send(put, other),
      await send(put, other, { 'x-amz-checksum-sha256': checksum }),
      await send(put, BYTES.slice(0, 99), { 'content-length': '99' }),
      await send({ ...put, url: put.url.replace('p/one', 'p/two') }, body),
      await send({ ...put, headers: withoutHeader(put.headers, 'if-none-match') }, body),
    ];
    for (const { status } of tampered) assert.ok(status >= 400 && status < 500, String(status));
    assert.equal(await store.size('p/one'), null);
    assert.equal(await store.size('p/two'), null);
    assert.equal((await send(put, body)).status, 200);
    assert.equal((await send(put, body)).status, 412, 'write-once');
    assert.deepEqual(await store.read('p/one', { start: 0, end: 200 }), body);
  });

  it('presigns a GET of one object', async () => {
    const get = await store.presignGet('a/b.car', 60);
    assert.deepEqual((await send(get)).body, BYTES);
    assert.equal((await send({ ...get, url: get.url.replace('b.car', 'c.car') })).status, 403);
  });

  it('fails as unavailable when its credentials are refused', async () => {
    const credentials = { ...CREDENTIALS, secretAccessKey: 'another' };
    const stranger = createS3ObjectStore({ ...options, credentials, endpoint: s3.endpoint });
    await assert.rejects(stranger.read('a/b.car', { start: 0, end: 1 }), StoreUnavailableError);
    await assert.rejects(stranger.size('a/b.car'), StoreUnavailableError);
    stranger.close();
  });

  it('fails as unavailable, in time, when nobody answers, and at once when its caller aborts', async () => {
    const away = createS3ObjectStore({ ...options, endpoint: 'http://127.0.0.1:1', timeoutMs: 1000 });
    await assert.rejects(away.size('a'), StoreUnavailableError);
    away.close();
    await withServer('', async (endpoint) => {
      const silent = createS3ObjectStore({ ...options, endpoint, timeoutMs: 300 });
      await assert.rejects(silent.read('a', { start: 0, end: 1 }), StoreUnavailableError);
      const aborted = new AbortController();
      const waiting = silent.size('a', aborted.signal);
      aborted.abort();
      await assert.rejects(waiting, { name: 'AbortError' });
      silent.close();
    });
  });

  it('fails as unavailable when the bytes stop coming', async () => {
    const cut = 'HTTP/1.1 206 Partial Content\r\ncontent-length: 100\r\ncontent-range: bytes 0-99/100\r\n\r\nabc';
    await withServer(cut, async (endpoint) => {
      const stalled = createS3ObjectStore({ ...options, endpoint, timeoutMs: 300 });
      await assert.rejects(stalled.read('a', { start: 0, end: 100 }), StoreUnavailableError);
      stalled.close();
    });
  });

  it('fails as unavailable when more bytes come than were asked for', async () => {
    const flood = `HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n${'x'.repeat(100)}`;
    await withServer(flood, async (endpoint) => {
      const ignoring = createS3ObjectStore({ ...options, endpoint });
      await assert.rejects(ignoring.read('a', { start: 0, end: 10 }), StoreUnavailableError);
      ignoring.close();
    });
  });
});

function withoutHeader(headers: Readonly<Record<string, string>>, name: string): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).filter(([header]) => header !== name));
}

/** A server that answers every connection with these bytes, and then nothing. */
async function withServer(answer: string, run: (endpoint: string) => Promise<void>): Promise<void> {
  const sockets = new Set<{ destroy(): void }>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    socket.once('data', () => socket.write(answer));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  try {
    await run(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  } finally {
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  }
}
