import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { Wallet } from 'ethers';
import fc from 'fast-check';
import { gatewayEventFromRequest } from '../../adapters/http-signature/gateway-event.ts';
import { createRequestSigner } from '../../adapters/http-signature/sign-request.ts';
import { to0x } from '../../core/bytes.ts';
import { decodeHashedBlocks } from '../../core/wire/answers.ts';
import { problemDocument } from '../../core/wire/requests.ts';
import { writeCheckPage } from '../../dev/console/write-page.ts';
import { type RunningHost, startHost } from '../../local/host/start-host.ts';
import { blocks, DOMAIN, putObject, REGION, type Stores, startStores, TestDevice } from '../functions/start-service.ts';

describe('the local host', () => {
  let stores: Stores;
  let host: RunningHost;
  let device: TestDevice;
  before(async () => {
    stores = await startStores();
    const { ports, s3Keys } = stores;
    host = await startHost({ ports, lambda: { ...s3Keys, region: REGION } });
    device = await TestDevice.open(stores);
    const { segment } = device.seal(blocks([100, 200]));
    await putObject(stores, segment.key, segment.car);
    await stores.s3.drained();
    for (const event of stores.events) await host.deliverS3Event(event);
  });
  after(async () => {
    await host.close();
    await stores.close();
  });

  /** Sends raw bytes; what came back until the server closed, or `waitMs` passed without it. */
  async function raw(bytes: string | Uint8Array, waitMs = 3_000): Promise<string> {
    const socket = connect(host.port, '127.0.0.1');
    const parts: Buffer[] = [];
    socket.on('data', (part) => parts.push(part));
    socket.on('error', () => undefined);
    await once(socket, 'connect');
    const closed = once(socket, 'close');
    socket.end(bytes);
    const timer = setTimeout(() => socket.destroy(), waitMs);
    await closed;
    clearTimeout(timer);
    return Buffer.concat(parts).toString('latin1');
  }
  const statusOf = (answer: string) => Number(/^HTTP\/1\.1 (\d{3})/.exec(answer)?.[1] ?? 0);
  const alive = async () => {
    const answer = await fetch(`${host.apiUrl}/v1/nothing`);
    assert.equal(answer.status, 404);
    await answer.arrayBuffer();
  };
  const dataset = () => device.dataset;

  describe('refuses with a problem document', () => {
    const refused = async (response: Response, status: number, type: string) => {
      assert.equal(response.status, status);
      assert.equal(response.headers.get('content-type'), 'application/problem+json');
      assert.equal(problemDocument.parse(await response.json()).type, type);
    };
    const url = (path: string) => `${host.apiUrl}${path}`;

    test('a path that no function has', async () => {
      for (const path of ['/', '/v1', '/v1/datasets', `/v1/datasets/${dataset()}`, '/v1/datasets//batches', '//v1']) {
        await refused(await fetch(url(path)), 404, '/problems/not-found');
      }
    });

    test('a method that the path does not take', async () => {
      const path = url(`/v1/datasets/${dataset()}/batches`);
      for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS', 'PATCH']) {
        const response = await fetch(path, { method });
        assert.equal(response.headers.get('allow'), 'GET');
        await refused(response, 405, '/problems/method-not-allowed');
      }
      assert.equal((await fetch(path, { method: 'HEAD' })).status, 405);
    });

    test('a body that is too large, announced or not', async () => {
      const body = new Uint8Array(40_000);
      const path = url(`/v1/datasets/${dataset()}/hashes`);
      await refused(await fetch(path, { method: 'POST', body }), 413, '/problems/too-large');
      const stream = new ReadableStream({
        pull(controller) {
          controller.enqueue(new Uint8Array(10_000));
        },
      });
      const unannounced = await fetch(path, { method: 'POST', body: stream, duplex: 'half' } as RequestInit);
      await refused(unannounced, 413, '/problems/too-large');
    });

    test('an address that is too long, headers that are too large', async () => {
      await refused(await fetch(url(`/v1/${'x'.repeat(9_000)}`)), 414, '/problems/uri-too-long');
      const answer = await raw(`GET / HTTP/1.1\r\nHost: a\r\nX-Long: ${'y'.repeat(20_000)}\r\n\r\n`);
      assert.equal(statusOf(answer), 431);
      assert.match(answer, /headers-too-large/);
    });

    test('a host that is not this one', async () => {
      const account = new Wallet(to0x(device.ownerKey));
      const signer = createRequestSigner((message) => account.signMessage(message), {
        address: account.address,
        chainId: DOMAIN.chainId,
      });
      const foreign = 'evil.example';
      const path = `/v1/datasets/${dataset()}/batches`;
      const { headers } = await signer.signRequest({ method: 'GET', url: `http://${foreign}${path}` });
      const lines = Object.entries({ ...headers, host: foreign }).map(([name, value]) => `${name}: ${value}`);
      const answer = await raw(`GET ${path} HTTP/1.1\r\n${lines.join('\r\n')}\r\nconnection: close\r\n\r\n`);
      assert.equal(statusOf(answer), 401);
      assert.match(answer, /"reason":"authority"/);
    });
  });

  test('answers malformed HTTP with 4xx or by closing, and lives on', async () => {
    const path = `/v1/datasets/${dataset()}/hashes`;
    const cases = [
      'GET\r\n\r\n',
      'GET / HTTP/9.9\r\n\r\n',
      'GET / HTTP/1.1\r\n\r\n',
      'GET http://127.0.0.1/v1 HTTP/1.1\r\nHost: a\r\n\r\n',
      'GET * HTTP/1.1\r\nHost: a\r\n\r\n',
      'CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n',
      `GET /v1/datasets/${'%ff'.repeat(20)}/batches HTTP/1.1\r\nHost: a\r\n\r\n`,
      `GET /v1/datasets/x/batches#frag HTTP/1.1\r\nHost: a\r\n\r\n`,
      `GET /v1/datasets/x/batches?%zz HTTP/1.1\r\nHost: a\r\n\r\n`,
      `GET /v1/datasets/x/batches HTTP/1.1\r\nHost: a b\r\n\r\n`,
      `GET /v1/datasets/x/batches HTTP/1.0\r\n\r\n`,
      `POST ${path} HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n`,
      `POST ${path} HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
      `POST ${path} HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n`,
      `POST ${path} HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabc`,
      `POST /2015-03-31/functions/hash-blocks/invocations HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n{}`,
      `GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n`,
      '\u0000\u0001\u0002',
      '',
    ];
    for (const bytes of cases) {
      const status = statusOf(await raw(bytes));
      assert.ok(status === 0 || (status >= 400 && status < 500), `${JSON.stringify(bytes.slice(0, 60))}: ${status}`);
    }
    await alive();
  });

  test('lives through random bytes, whole and cut off', async () => {
    const line = fc.constantFrom(
      'GET / HTTP/1.1\r\n',
      'POST /v1/datasets/0x/hashes HTTP/1.1\r\n',
      'Host: a\r\n',
      '\r\n',
    );
    const soup = fc
      .array(
        fc.oneof(
          line.map((text) => Buffer.from(text)),
          fc.uint8Array({ maxLength: 60 }).map(Buffer.from),
        ),
        { maxLength: 8 },
      )
      .map((parts) => Buffer.concat(parts));
    await fc.assert(
      fc.asyncProperty(soup, async (bytes) => {
        const answer = await raw(bytes, 1_000);
        for (const [, status] of answer.matchAll(/^HTTP\/1\.1 (\d{3})/gm)) assert.ok(Number(status) < 500);
      }),
      { numRuns: 60 },
    );
    await alive();
  });

  describe("answers Lambda's Invoke API", () => {
    const clientWith = (secretAccessKey: string) =>
      new LambdaClient({
        region: REGION,
        endpoint: host.lambdaEndpoint!,
        credentials: { accessKeyId: stores.s3Keys.accessKey, secretAccessKey },
        maxAttempts: 1,
      });
    const signedEvent = async (body: unknown) => {
      const account = new Wallet(to0x(device.ownerKey));
      const signer = createRequestSigner((message) => account.signMessage(message), {
        address: account.address,
        chainId: DOMAIN.chainId,
      });
      const url = `${host.apiUrl}/v1/datasets/${dataset()}/hashes`;
      const bytes = new TextEncoder().encode(JSON.stringify(body));
      return gatewayEventFromRequest(await signer.signRequest({ method: 'POST', url, body: bytes }));
    };
    const invoke = (client: LambdaClient, name: string, payload: unknown, more = {}) =>
      client.send(new InvokeCommand({ FunctionName: name, Payload: Buffer.from(JSON.stringify(payload)), ...more }));

    test('with the very answer of the handler', async () => {
      const client = clientWith(stores.s3Keys.secretKey);
      for (const name of [
        'hash-blocks',
        'hash-blocks:$LATEST',
        'arn:aws:lambda:us-east-1:000000000000:function:hash-blocks',
      ]) {
        const answer = await invoke(client, name, await signedEvent({ blocks: [0, 1] }));
        assert.equal(answer.FunctionError, undefined);
        const result = JSON.parse(Buffer.from(answer.Payload!).toString());
        assert.equal(result.statusCode, 200);
        assert.equal(decodeHashedBlocks(Buffer.from(result.body, 'base64')).answers.length, 2);
      }
      const later = await invoke(client, 'hash-blocks', await signedEvent({ blocks: [0] }), {
        InvocationType: 'Event',
      });
      assert.equal(later.StatusCode, 202);
      const dry = await invoke(client, 'hash-blocks', {}, { InvocationType: 'DryRun' });
      assert.equal(dry.StatusCode, 204);
      client.destroy();
    });

    test('with no second way to be authorised: AWS credentials without the signature are nothing', async () => {
      const client = clientWith(stores.s3Keys.secretKey);
      const { headers, ...event } = await signedEvent({ blocks: [0] });
      const { signature: _, ...unsigned } = headers as Record<string, string>;
      const answer = await invoke(client, 'hash-blocks', { ...event, headers: unsigned });
      assert.equal(JSON.parse(Buffer.from(answer.Payload!).toString()).statusCode, 401);
      for (const strange of [null, 7, 'x', [], {}, { headers: 7 }, { requestContext: null }, { body: {} }]) {
        const refused = await invoke(client, 'hash-blocks', strange);
        const status = JSON.parse(Buffer.from(refused.Payload!).toString()).statusCode;
        assert.ok(status >= 400 && status < 500, `${JSON.stringify(strange)} ${status}`);
      }
      client.destroy();
    });

    test('not for others, not for what may not be invoked', async () => {
      const stranger = clientWith('another secret key that is long enough');
      await assert.rejects(invoke(stranger, 'hash-blocks', {}), (error: { $metadata: { httpStatusCode: number } }) => {
        return error.$metadata.httpStatusCode === 403;
      });
      const client = clientWith(stores.s3Keys.secretKey);
      for (const name of ['list-batches', 'ingest-segment', 'nothing']) {
        await assert.rejects(invoke(client, name, {}), { name: 'ResourceNotFoundException' });
      }
      stranger.destroy();
      client.destroy();
    });
  });

  test('serves the page that checks evidence, to whoever asks, under a policy that lets it ask nodes by https and on this machine alone', async () => {
    const { html } = await writeCheckPage();
    const answer = await fetch(`${host.apiUrl}/check`);
    assert.equal(answer.status, 200);
    assert.equal(answer.headers.get('content-type'), 'text/html; charset=utf-8');
    assert.equal(await answer.text(), html);
    assert.match(
      html,
      /content="default-src 'none'; script-src 'sha256-[^']+'; style-src 'sha256-[^']+'; connect-src https: http:\/\/127\.0\.0\.1:\* http:\/\/localhost:\*; base-uri 'none'/,
    );
    assert.equal((await fetch(`${host.apiUrl}/check`, { method: 'POST' })).status, 404);
  });

  test('closes in time although a client holds its connection', async () => {
    const { ports } = stores;
    const other = await startHost({ ports, lambda: null, closeTimeoutMs: 200 });
    const idle = connect(other.port, '127.0.0.1');
    await once(idle, 'connect');
    const half = connect(other.port, '127.0.0.1');
    await once(half, 'connect');
    half.write(`POST /v1/datasets/${dataset()}/hashes HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabc`);
    half.on('error', () => undefined);
    const startedAt = performance.now();
    await other.close();
    assert.ok(performance.now() - startedAt < 2_000);
    idle.destroy();
    half.destroy();
  });

  test('says that its port is taken', async () => {
    const { ports } = stores;
    const options = { ports, lambda: null, port: host.port };
    await assert.rejects(startHost(options), { code: 'EADDRINUSE' });
  });
});
