import assert from 'node:assert/strict';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, test } from 'node:test';
import { secp256k1 } from '@noble/curves/secp256k1.js';
import { keccak_256 } from '@noble/hashes/sha3.js';
import { signRequest, verifyRequest } from '@slicekit/erc8128';
import { verifyMessage, Wallet } from 'ethers';
import { gatewayEventFromRequest, requestFromGatewayEvent } from '../../adapters/http-signature/gateway-event.ts';
import { createRequestSigner, type SignedRequest } from '../../adapters/http-signature/sign-request.ts';
import { createRequestVerifier } from '../../adapters/http-signature/verify-request.ts';
import {
  ADDRESS,
  bytes,
  CHAIN_ID,
  digestField,
  eip191Hash,
  HOST,
  KEY,
  makeSigner,
  makeVerifier,
  NOW_MS,
  NOW_SEC,
  ORIGIN,
  POLICY,
  signByHand,
} from './fixture.ts';

const REQUESTS = [
  ['GET', '/v1/datasets', undefined],
  ['GET', '/v1/a%2Fb/%C3%A4?from=1&to=%20%3F&x[]=~!*()', undefined],
  ['POST', '/v1/datasets', bytes('{"blocks":[1,2]}')],
  ['PUT', '/v1/datasets?a', Uint8Array.from({ length: 256 }, (_, i) => i)],
  ['DELETE', '/v1/datasets/1', undefined],
] as const;

const wallet = new Wallet(KEY);
const libraryAccount = {
  address: wallet.address as `0x${string}`,
  chainId: CHAIN_ID,
  signMessage: async (message: Uint8Array) => (await wallet.signMessage(message)) as `0x${string}`,
};

for (const [method, target, body] of REQUESTS) {
  describe(`${method} ${target}`, () => {
    const init = { method, ...(body === undefined ? {} : { body: Uint8Array.from(body) }) };

    test('signed by @slicekit/erc8128 is accepted here', async () => {
      const signed = await signRequest(ORIGIN + target, init, libraryAccount, { created: NOW_SEC });
      const request: SignedRequest = {
        method: signed.method,
        url: signed.url,
        headers: Object.fromEntries(signed.headers),
        ...(body === undefined ? {} : { body }),
      };
      assert.deepEqual(await makeVerifier().verify(request), { ok: true, address: ADDRESS });
    });

    test('signed here is accepted by @slicekit/erc8128', async () => {
      const signed = await makeSigner()(method, target, body);
      const result = await verifyRequest({
        request: new Request(signed.url, { ...init, headers: signed.headers }),
        verifyMessage: ({ address, message, signature }) =>
          verifyMessage(Buffer.from(message.raw.slice(2), 'hex'), signature).toLowerCase() === address,
        nonceStore: { consume: async () => true },
        policy: { now: () => NOW_SEC, maxValiditySec: 60 },
      });
      assert.ok(result.ok, JSON.stringify(result));
      assert.deepEqual(
        [result.address, result.chainId, result.binding, result.replayable],
        [ADDRESS, CHAIN_ID, 'request-bound', false],
      );
    });

    test('signed by hand from RFC 9421 is accepted here, in any order of components', async () => {
      const [path = '', query] = target.split('?') as [string, string?];
      const recipe = {
        method,
        path,
        ...(query === undefined ? {} : { query }),
        ...(body === undefined ? {} : { body }),
      };
      assert.deepEqual(await makeVerifier().verify(signByHand(recipe)), { ok: true, address: ADDRESS });
      const components = [
        '@query',
        '@path',
        '@authority',
        '@method',
        ...(body === undefined ? [] : ['content-digest']),
      ];
      assert.deepEqual(await makeVerifier().verify(signByHand({ ...recipe, components })), {
        ok: true,
        address: ADDRESS,
      });
    });

    test('signed here is what RFC 9421 says, read by hand', async () => {
      const signed = await makeSigner()(method, target, body);
      assert.equal(signed.url, ORIGIN + target);
      const [path = '', query] = target.split('?') as [string, string?];
      const values: Record<string, string | undefined> = {
        '"@method"': method,
        '"@authority"': HOST,
        '"@path"': path,
        '"@query"': `?${query}`,
        '"content-digest"': body && digestField(body),
      };
      const params = (signed.headers['signature-input'] ?? '').slice('eth='.length);
      const names = params.slice(1, params.indexOf(')')).split(' ');
      const lines = names.map((name) => `${name}: ${values[name]}`);
      assert.equal(new Set(names).size, 3 + Number(query !== undefined) + Number(body !== undefined));
      const base = [...lines, `"@signature-params": ${params}`].join('\n');
      const signature = Buffer.from((signed.headers.signature ?? '').slice('eth=:'.length, -1), 'base64');
      const point = secp256k1.Signature.fromBytes(signature.subarray(0, 64), 'compact')
        .addRecoveryBit(signature[64]! - 27)
        .recoverPublicKey(eip191Hash(bytes(base)));
      const address = keccak_256(point.toBytes(false).subarray(1)).subarray(12);
      assert.equal(`0x${Buffer.from(address).toString('hex')}`, ADDRESS);
    });
  });
}

test('class-bound and replayable signatures of @slicekit/erc8128 are refused', async () => {
  for (const [options, reason] of [
    [{ binding: 'class-bound', components: ['@authority'] }, 'components'],
    [{ replay: 'replayable' }, 'malformed'],
    [{ ttlSeconds: 61 }, 'validity-too-long'],
  ] as const) {
    const { components, ...rest } = { components: undefined, ...options };
    const all = { ...rest, created: NOW_SEC, ...(components === undefined ? {} : { components: [...components] }) };
    const signed = await signRequest(`${ORIGIN}/v1/a`, { method: 'GET' }, libraryAccount, all);
    const request = { method: 'GET', url: signed.url, headers: Object.fromEntries(signed.headers) };
    const result = await makeVerifier().verify(request);
    assert.equal(result.ok === false && result.reason, reason);
  }
});

test('sent by fetch through a real HTTP server and an API Gateway event, it is still the request that was signed', async () => {
  const seen: SignedRequest[] = [];
  const server = createServer(async (incoming, outgoing) => {
    seen.push(requestFromGatewayEvent(gatewayEventFromRequest(await readRequest(incoming))));
    outgoing.end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  try {
    const host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
    const signer = createRequestSigner((message) => wallet.signMessage(message), {
      address: ADDRESS,
      chainId: CHAIN_ID,
    });
    const nonces = makeVerifier().nonces;
    const policy = { ...POLICY, allowedAuthorities: [host] };
    const { verify } = createRequestVerifier({ nonces, nowMs: () => NOW_MS }, policy);
    for (const [method, target, body] of REQUESTS) {
      const request = { method, url: `http://${host}${target}`, ...(body === undefined ? {} : { body }) };
      const { url, body: sent, ...init } = await signer.signRequest(request, { nowMs: NOW_MS });
      const response = await fetch(url, {
        ...init,
        ...(sent === undefined ? {} : { body: Uint8Array.from(sent) }),
        signal: AbortSignal.timeout(10_000),
      });
      await response.arrayBuffer();
      assert.equal(response.status, 200);
      assert.deepEqual(await verify(seen.at(-1)!), { ok: true, address: ADDRESS }, target);
    }
  } finally {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
});

async function readRequest(incoming: IncomingMessage): Promise<SignedRequest> {
  const chunks: Buffer[] = [];
  for await (const chunk of incoming) chunks.push(chunk as Buffer);
  const { host = '', ...rest } = incoming.headers as Record<string, string>;
  return {
    method: incoming.method ?? '',
    url: `http://${host}${incoming.url}`,
    headers: { ...rest, host },
    body: Uint8Array.from(Buffer.concat(chunks)),
  };
}
