import assert from 'node:assert/strict';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, type TestContext, test } from 'node:test';
import { nodeTransfer } from '../../adapters/http/node-transfer.ts';
import { StoreUnavailableError } from '../../core/errors.ts';

const never = new AbortController().signal;

async function serve(context: TestContext, listener: RequestListener) {
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  context.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return {
    method: 'GET',
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/k`,
    headers: {},
    expiresAtMs: 0,
  } as const;
}

async function textOf(body: AsyncIterable<Uint8Array>): Promise<string> {
  const pieces: Uint8Array[] = [];
  for await (const piece of body) pieces.push(piece);
  return Buffer.concat(pieces).toString();
}

describe('an object that is fetched', { timeout: 20_000 }, () => {
  test('comes whole; of any other answer there is the status alone, and nobody is sent elsewhere', async (context) => {
    let asked = 0;
    for (const [status, text] of [
      [200, 'content'],
      [302, ''],
      [403, ''],
      [404, ''],
      [500, ''],
    ] as const) {
      const get = await serve(context, (_, response) => {
        asked++;
        response.writeHead(status, status === 302 ? { location: '/elsewhere' } : {}).end('content');
      });
      const answer = await nodeTransfer.get(get, never);
      assert.deepEqual([answer.status, await textOf(answer.body)], [status, text]);
    }
    assert.equal(asked, 5);
  });

  test('that breaks off is not taken for a short one', async (context) => {
    const get = await serve(context, (_, response) => {
      response.writeHead(200, { 'content-length': '100' });
      response.write('half', () => response.destroy());
    });
    const { status, body } = await nodeTransfer.get(get, never);
    assert.equal(status, 200);
    await assert.rejects(textOf(body), StoreUnavailableError);
  });

  test('is waited for until the signal is aborted', async (context) => {
    const stop = new AbortController();
    const get = await serve(context, () => stop.abort());
    await assert.rejects(nodeTransfer.get(get, stop.signal), StoreUnavailableError);
  });
});
