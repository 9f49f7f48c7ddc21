import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { GetPublicKeyCommand, KMSClient } from '@aws-sdk/client-kms';
import { readSecret, type SecretOptions } from '../../adapters/secrets/read-secret.ts';
import { signV4 } from '../../adapters/secrets/sign-v4.ts';
import { ArgumentError, StateError, StoreUnavailableError } from '../../core/errors.ts';

const credentials = { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY' };
const scope = { region: 'us-east-1', service: 'service', credentials };
const AT_MS = Date.UTC(2015, 7, 30, 12, 36, 0);

type Answer = (request: IncomingMessage, body: string, response: ServerResponse) => void;
let server: Server;
let answer: Answer;
let endpoint: string;

beforeEach(async () => {
  server = createServer((request, response) => {
    let body = '';
    request.setEncoding('utf8').on('data', (text: string) => {
      body += text;
    });
    request.on('end', () => answer(request, body, response));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterEach(async () => {
  server.closeAllConnections();
  server.close();
  await once(server, 'close');
});

describe('signature version 4', () => {
  const url = new URL('https://example.amazonaws.com/');
  const signature = (headers: Record<string, string>) => /Signature=(.*)$/.exec(String(headers.authorization))?.[1];

  test("is that of AWS's published examples", () => {
    // aws-sig-v4-test-suite: get-vanilla, post-vanilla
    const get = signV4({ method: 'GET', url, headers: {}, body: '' }, scope, AT_MS);
    assert.equal(signature(get), '5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31');
    const post = signV4({ method: 'POST', url, headers: {}, body: '' }, scope, AT_MS);
    assert.equal(signature(post), '5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b');
  });

  for (const sessionToken of [undefined, 'a/session+token==']) {
    test(`is that of AWS's own client, ${sessionToken === undefined ? 'of a user' : 'of a role'}`, async () => {
      const whose = { ...credentials, ...(sessionToken === undefined ? {} : { sessionToken }) };
      const asked = Promise.withResolvers<{ request: IncomingMessage; body: string }>();
      answer = (request, body, response) => {
        asked.resolve({ request, body });
        response.writeHead(400, { 'content-type': 'application/x-amz-json-1.1' }).end('{"__type":"DisabledException"}');
      };
      const client = new KMSClient({ region: 'eu-west-1', endpoint, credentials: whose });
      await assert.rejects(client.send(new GetPublicKeyCommand({ KeyId: 'key' })), { name: 'DisabledException' });
      client.destroy();
      const { request, body } = await asked.promise;
      const { authorization, 'x-amz-date': date } = request.headers as Record<string, string>;
      const names = String(/SignedHeaders=([^,]+)/.exec(String(authorization))?.[1]).split(';');
      const added = ['host', 'x-amz-date', 'x-amz-security-token'];
      const headers = Object.fromEntries(
        names.filter((name) => !added.includes(name)).map((name) => [name, String(request.headers[name])]),
      );
      const atMs = Date.parse(String(date).replace(/^(....)(..)(..)T(..)(..)(..)Z$/, '$1-$2-$3T$4:$5:$6Z'));
      const mine = signV4(
        { method: 'POST', url: new URL(endpoint), headers, body },
        { region: 'eu-west-1', service: 'kms', credentials: whose },
        atMs,
      );
      assert.equal(mine.authorization, authorization);
    });
  }
});

describe('a secret', () => {
  const read = (more: Partial<SecretOptions> = {}, signal?: AbortSignal) =>
    readSecret({ region: 'eu-west-1', secretId: 'arn:secret', endpoint, credentials, ...more }, signal);
  const fail = (status: number, type: string): Answer => {
    return (_, __, response) => response.writeHead(status).end(JSON.stringify({ __type: type }));
  };

  test('is asked for by its ARN, signed, and read', async () => {
    answer = (request, body, response) => {
      assert.equal(request.headers['x-amz-target'], 'secretsmanager.GetSecretValue');
      assert.match(String(request.headers.authorization), /eu-west-1\/secretsmanager\/aws4_request/);
      assert.deepEqual(JSON.parse(body), { SecretId: 'arn:secret' });
      response.end(JSON.stringify({ Name: 'token', SecretString: 'open sesame' }));
    };
    assert.equal(await read(), 'open sesame');
  });

  test('that is missing, forbidden or no text is for the operator to put right', async () => {
    for (const type of ['ResourceNotFoundException', 'com.amazon.coral.service#AccessDeniedException']) {
      answer = fail(400, type);
      await assert.rejects(read(), (error: Error) => {
        assert.ok(error instanceof ArgumentError);
        return error.message.includes(String(type.split('#').at(-1)));
      });
    }
    answer = (_, __, response) => response.end(JSON.stringify({ SecretBinary: 'AAAA' }));
    await assert.rejects(read(), StateError);
  });

  test('is unavailable while the service throttles, fails, is silent or not there', async () => {
    for (const [status, type] of [
      [400, 'ThrottlingException'],
      [500, 'InternalServiceError'],
    ] as const) {
      answer = fail(status, type);
      await assert.rejects(read(), StoreUnavailableError);
    }
    answer = () => {};
    await assert.rejects(read({ timeoutMs: 100 }), StoreUnavailableError);
    await assert.rejects(read({ endpoint: 'http://127.0.0.1:1' }), StoreUnavailableError);
  });

  test('stops being waited for at an abort', async () => {
    const stop = new AbortController();
    const reason = new Error('enough');
    answer = () => stop.abort(reason);
    await assert.rejects(read({}, stop.signal), reason);
  });
});
