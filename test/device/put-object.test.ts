import assert from 'node:assert/strict';
import { createServer, type IncomingMessage, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type TestContext, test } from 'node:test';
import { nodeTransfer } from '../../adapters/http/node-transfer.ts';
import { StoreUnavailableError } from '../../core/errors.ts';
import { putObject } from '../../device/upload/put-object.ts';
import { readBody } from './remote.ts';

async function serve(context: TestContext, listener: RequestListener): Promise<string> {
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  context.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/key?X-Amz-Signature=1`;
}

const never = new AbortController().signal;
const put = (url: string, body: Uint8Array, stallMs = 5000, signal = never) => {
  const headers = {
    'content-length': String(body.length),
    'content-type': 'application/vnd.ipld.car',
    'if-none-match': '*',
  };
  return putObject(nodeTransfer, { method: 'PUT', url, headers, expiresAtMs: 0 }, body, { stallMs }, signal);
};

test('the signed headers are sent, and none that a store would keep or refuse', async (context) => {
  const seen = Promise.withResolvers<IncomingMessage>();
  const body = new Uint8Array(3_000_000).map((_, i) => i % 253);
  let received = new Uint8Array(0);
  const url = await serve(context, async (request, response) => {
    received = new Uint8Array(await readBody(request));
    seen.resolve(request);
    response.writeHead(200).end();
  });
  assert.equal(await put(url, body), 'stored');
  const { method, headers, url: path } = await seen.promise;
  assert.equal(method, 'PUT');
  assert.equal(path, '/key?X-Amz-Signature=1');
  assert.deepEqual(Object.keys(headers).sort(), [
    'connection',
    'content-length',
    'content-type',
    'host',
    'if-none-match',
  ]);
  assert.deepEqual(received, body);
});

test('a store that has the object already is as good as one that takes it', async (context) => {
  const url = await serve(context, (request, response) => {
    request.resume();
    response.writeHead(412).end('<Error/>');
  });
  assert.equal(await put(url, new Uint8Array(10)), 'present');
});

for (const status of [307, 400, 403, 409, 500, 503]) {
  test(`a store that answers ${status} has not stored it`, async (context) => {
    const url = await serve(context, (request, response) => {
      request.resume();
      response.writeHead(status).end();
    });
    await assert.rejects(put(url, new Uint8Array(10)), StoreUnavailableError);
  });
}

test('a store that takes nothing, or never answers, is given up', async (context) => {
  const url = await serve(context, () => {});
  await assert.rejects(put(url, new Uint8Array(8_000_000), 100), StoreUnavailableError);
  await assert.rejects(put(url, new Uint8Array(10), 100), StoreUnavailableError);
  await assert.rejects(put('http://127.0.0.1:1/', new Uint8Array(10)), StoreUnavailableError);
});

test('an upload ends when the device is stopped', async (context) => {
  const stop = new AbortController();
  const url = await serve(context, () => stop.abort());
  await assert.rejects(put(url, new Uint8Array(8_000_000), 60_000, stop.signal), { name: 'AbortError' });
});
