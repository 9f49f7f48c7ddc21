import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { APIGatewayProxyEventV2 } from 'aws-lambda';
import fc from 'fast-check';
import { gatewayEventFromRequest, requestFromGatewayEvent } from '../../adapters/http-signature/gateway-event.ts';
import { ADDRESS, bytes, HOST, makeSigner, makeVerifier, ORIGIN, signByHand } from './fixture.ts';

const HEX = [...'0123456789abcdefABCDEF'];
const percent = fc.tuple(fc.constantFrom(...HEX), fc.constantFrom(...HEX)).map(([a, b]) => `%${a}${b}`);
const plain = fc.constantFrom(...`abcXYZ019-._~!$&'()*+,;=:@/|^[]{}\``);
const text = fc.array(fc.oneof(plain, percent), { maxLength: 40 }).map((units) => units.join(''));
const query = fc
  .array(fc.oneof(plain, percent, fc.constant('?')), { minLength: 1, maxLength: 40 })
  .map((u) => u.join(''));

const recipe = fc.record(
  { path: text.map((rest) => `/${rest}`), query, body: fc.uint8Array({ minLength: 1, maxLength: 100 }) },
  { requiredKeys: ['path'] },
);

describe('a signed request through an API Gateway event', () => {
  test('comes out byte for byte, and verifies, whatever its path, query and body', async () => {
    await fc.assert(
      fc.asyncProperty(recipe, async (parts) => {
        const signed = signByHand({ method: parts.body === undefined ? 'GET' : 'POST', ...parts });
        const event = JSON.parse(JSON.stringify(gatewayEventFromRequest(signed))) as APIGatewayProxyEventV2;
        assert.equal(event.rawPath, parts.path);
        assert.equal(event.rawQueryString, parts.query ?? '');
        const back = requestFromGatewayEvent(event);
        assert.deepEqual(back, { ...signed, headers: { ...signed.headers, host: HOST } });
        assert.deepEqual(await makeVerifier().verify(back), { ok: true, address: ADDRESS });
      }),
      { numRuns: 300 },
    );
  });

  test('verifies when our signer made it', async () => {
    await fc.assert(
      fc.asyncProperty(recipe, async (parts) => {
        const target = parts.path + (parts.query === undefined ? '' : `?${parts.query}`);
        // Two leading slashes would make it another host.
        fc.pre(!target.startsWith('//'));
        const signed = await makeSigner()(parts.body === undefined ? 'GET' : 'POST', target, parts.body);
        const back = requestFromGatewayEvent(gatewayEventFromRequest(signed));
        assert.equal(back.url, signed.url);
        assert.deepEqual(await makeVerifier().verify(back), { ok: true, address: ADDRESS });
      }),
      { numRuns: 200 },
    );
  });

  test('has a text body read as UTF-8 when API Gateway leaves it as text', async () => {
    const signed = await makeSigner()('POST', '/v1/a', bytes('{"name":"Zürich"}'));
    const event = { ...gatewayEventFromRequest(signed), body: '{"name":"Zürich"}', isBase64Encoded: false };
    assert.equal((await makeVerifier().verify(requestFromGatewayEvent(event))).ok, true);
  });

  test('has lower-case header names, repeated ones joined, and parsed query parameters', () => {
    const url = `${ORIGIN}/v1/a?b=1&c=%20&b=2&__proto__=x`;
    const event = gatewayEventFromRequest({ method: 'GET', url, headers: { 'X-A': '1', 'x-a': '2' } });
    assert.deepEqual(event.headers, { 'x-a': '1,2', host: HOST });
    assert.deepEqual(Object.entries(event.queryStringParameters ?? {}), [
      ['b', '1,2'],
      ['c', ' '],
      ['__proto__', 'x'],
    ]);
    assert.equal(event.requestContext.http.path, '/v1/a');
  });

  test('whose headers are repeated is refused', async () => {
    const signed = await makeSigner()('GET', '/v1/a');
    const headers = { ...signed.headers, Signature: signed.headers.signature! };
    const result = await makeVerifier().verify(
      requestFromGatewayEvent(gatewayEventFromRequest({ ...signed, headers })),
    );
    assert.equal(result.ok === false && result.reason, 'malformed');
  });

  test('cannot be made of a URL that is not absolute, or with another host', () => {
    for (const [url, headers] of [
      ['/v1/a', {}],
      [`${ORIGIN}/ä`, {}],
      [`${ORIGIN}/a#b`, {}],
      [`${ORIGIN}/`, { Host: 'b' }],
    ] as const) {
      assert.throws(() => gatewayEventFromRequest({ method: 'GET', url, headers }), { name: 'ArgumentError' });
    }
  });
});

describe('an event made by an attacker who may invoke the function', () => {
  const event = async () => gatewayEventFromRequest(await makeSigner()('POST', '/v1/a?b=1', bytes('body!')));

  for (const [what, change] of [
    ['the query moved into the path', { rawPath: '/v1/a?b=1', rawQueryString: '' }],
    ['the path moved into the host', { rawPath: '/a', headers: { host: `${HOST}/v1` } }],
    ['a fragment', { rawPath: '/v1/a#' }],
    ['a path without slash', { rawPath: 'v1/a' }],
    ['no path', { rawPath: undefined }],
    ['a path decoded on the way', { rawPath: '/v1/a b' }],
    ['no host', { headers: { host: undefined } }],
    ['a host with a user', { headers: { host: `${HOST}@evil.example` } }],
    ['a host that is a number', { headers: { host: 1 } }],
    ['a host that is an object', { headers: { host: Object.create(null) } }],
    ['another host', { headers: { host: 'evil.example' } }],
    ['a forwarded host', { headers: { host: 'evil.example', 'x-forwarded-host': HOST } }],
    ['a body that is no base64', { body: '!!!!' }],
    ['a body in base64 with stray bits', { body: 'Ym9keSF=' }],
    ['a body taken for text', { isBase64Encoded: false }],
    ['a body that is an object', { body: { a: 1 } }],
    ['no body', { body: undefined }],
    ['a query that is a number', { rawQueryString: 1 }],
    ['no request context', { requestContext: undefined }],
  ] as const) {
    test(`${what} is refused`, async () => {
      const good = await event();
      assert.equal((await makeVerifier().verify(requestFromGatewayEvent(good))).ok, true);
      const headers = { ...good.headers, ...('headers' in change ? change.headers : {}) };
      const bad = { ...good, ...change, headers } as unknown as APIGatewayProxyEventV2;
      assert.equal((await makeVerifier().verify(requestFromGatewayEvent(bad))).ok, false);
    });
  }

  test('has no URL where host, path and query could be cut apart differently', async () => {
    for (const change of [
      { rawPath: '/v1/a?b=1', rawQueryString: '' },
      { rawPath: '/v1/a?', rawQueryString: '' },
      { rawPath: '/a', headers: { host: `${HOST}/v1` } },
      { rawPath: '.evil.example/a' },
      { rawPath: '' },
    ]) {
      assert.equal(requestFromGatewayEvent({ ...(await event()), ...change } as APIGatewayProxyEventV2).url, '');
    }
  });

  test('is refused, never an exception, whatever it is', async () => {
    const good = (await event()) as unknown as Record<string, unknown>;
    const anything = fc.anything({ withNullPrototype: true });
    const mutated = fc
      .tuple(fc.constantFrom(...Object.keys(good)), anything)
      .map(([key, value]) => ({ ...good, [key]: value }));
    const unused = new Set(['version', 'routeKey', 'queryStringParameters']);
    await fc.assert(
      fc.asyncProperty(fc.oneof(anything, mutated), async (value) => {
        const result = await makeVerifier().verify(requestFromGatewayEvent(value as APIGatewayProxyEventV2));
        const changed = Object.keys(good).filter((key) => (value as Record<string, unknown>)?.[key] !== good[key]);
        assert.equal(
          result.ok,
          changed.every((key) => unused.has(key)),
        );
      }),
      { numRuns: 500 },
    );
  });
});
