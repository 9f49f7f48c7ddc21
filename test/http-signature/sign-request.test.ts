import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Wallet } from 'ethers';
import { createRequestSigner } from '../../adapters/http-signature/sign-request.ts';
import { ADDRESS, bytes, CHAIN_ID, HOST, KEY, makeVerifier, NOW_MS, NOW_SEC, ORIGIN } from './fixture.ts';

const wallet = new Wallet(KEY);
const account = { address: wallet.address, chainId: CHAIN_ID };
const signMessage = (message: Uint8Array) => wallet.signMessage(message);
const invalid = { name: 'ArgumentError' };

describe('createRequestSigner', () => {
  test('names the account in lower case', () => {
    const signer = createRequestSigner(signMessage, account);
    assert.deepEqual([signer.address, signer.chainId], [ADDRESS, CHAIN_ID]);
  });

  test('covers method, authority, path, query and digest, for 60 seconds, with a fresh nonce', async () => {
    const signer = createRequestSigner(signMessage, account);
    const request = { method: 'POST', url: `${ORIGIN}/v1/a?b=1`, body: bytes('x') };
    const inputs = [];
    for (let i = 0; i < 2; i++) {
      const { headers } = await signer.signRequest(request, { nowMs: NOW_MS + 999 });
      const input = /^eth=\(([^)]*)\);created=(\d+);expires=(\d+);nonce="([\w-]{22})";keyid="([^"]+)"$/.exec(
        headers['signature-input'] ?? '',
      );
      assert.ok(input, headers['signature-input']);
      const [, components = '', created, expires, nonce, keyId] = input;
      assert.deepEqual(components.split(' ').sort(), [
        '"@authority"',
        '"@method"',
        '"@path"',
        '"@query"',
        '"content-digest"',
      ]);
      assert.deepEqual([Number(created), Number(expires)], [NOW_SEC, NOW_SEC + 60]);
      assert.equal(keyId, `erc8128:${CHAIN_ID}:${ADDRESS}`);
      inputs.push(nonce);
    }
    assert.notEqual(inputs[0], inputs[1]);
  });

  test('uses the clock of this machine when none is given', async () => {
    const { headers } = await createRequestSigner(signMessage, account, { ttlSeconds: 5 }).signRequest({
      method: 'GET',
      url: ORIGIN,
    });
    const [, created, expires] = /created=(\d+);expires=(\d+)/.exec(headers['signature-input'] ?? '') ?? [];
    assert.ok(Math.abs(Number(created) - Date.now() / 1000) < 30);
    assert.equal(Number(expires) - Number(created), 5);
  });

  test('keeps the headers it was given, in lower case, and the body, and adds no others than its own', async () => {
    const signed = await createRequestSigner(signMessage, account).signRequest({
      method: 'post',
      url: `${ORIGIN}/v1/a`,
      headers: { 'Content-Type': 'application/json' },
      body: bytes('{}'),
    });
    assert.equal(signed.method, 'POST');
    assert.deepEqual(signed.body, bytes('{}'));
    assert.equal(signed.headers['content-type'], 'application/json');
    assert.deepEqual(Object.keys(signed.headers).sort(), [
      'content-digest',
      'content-type',
      'signature',
      'signature-input',
    ]);
  });

  test('answers with the URL that fetch sends, which is the one it signed', async () => {
    const signer = createRequestSigner(signMessage, account);
    for (const [given, sent] of [
      [`HTTPS://${HOST.toUpperCase()}:443/v1/./a/../b?x='#frag`, `${ORIGIN}/v1/b?x=%27`],
      [`${ORIGIN}/v1/ä b?ü`, `${ORIGIN}/v1/%C3%A4%20b?%C3%BC`],
      [`${ORIGIN}/v1/%2F%2f%41?%20+%zz`.replace('%zz', ''), `${ORIGIN}/v1/%2F%2f%41?%20+`],
      [`${ORIGIN}?`, `${ORIGIN}/?`],
    ] as const) {
      const signed = await signer.signRequest({ method: 'GET', url: given }, { nowMs: NOW_MS });
      assert.equal(signed.url, sent);
      assert.deepEqual(await makeVerifier().verify(signed), { ok: true, address: ADDRESS }, given);
    }
  });

  test('treats an empty body as none', async () => {
    const request = { method: 'GET', url: ORIGIN, body: new Uint8Array(0) };
    const signed = await createRequestSigner(signMessage, account).signRequest(request, { nowMs: NOW_MS });
    assert.deepEqual([signed.body, signed.headers['content-digest']], [undefined, undefined]);
    assert.equal((await makeVerifier().verify(signed)).ok, true);
  });

  for (const driftMs of [-3_600_000, 3_600_000]) {
    test(`a clock that is ${driftMs} ms off is refused until the offset is known`, async () => {
      let offsetMs = 0;
      const signer = createRequestSigner(signMessage, account, { clockOffsetMs: () => offsetMs });
      const { verify } = makeVerifier();
      const attempt = async () =>
        verify(await signer.signRequest({ method: 'GET', url: ORIGIN }, { nowMs: NOW_MS + driftMs }));
      const refused = await attempt();
      assert.equal(refused.ok === false && refused.reason, driftMs < 0 ? 'expired' : 'not-yet-valid');
      offsetMs = -driftMs;
      assert.deepEqual(await attempt(), { ok: true, address: ADDRESS });
    });
  }

  test('refuses lifetimes, chains and addresses that no verifier takes', () => {
    for (const ttlSeconds of [0, 61, 1.5, Number.NaN]) {
      assert.throws(() => createRequestSigner(signMessage, account, { ttlSeconds }), invalid);
    }
    for (const chainId of [0, -1, 1.5])
      assert.throws(() => createRequestSigner(signMessage, { ...account, chainId }), invalid);
    assert.throws(() => createRequestSigner(signMessage, { ...account, address: 'me' }), invalid);
  });

  for (const [what, request] of [
    ['a relative URL', { method: 'GET', url: '/v1/a' }],
    ['another scheme', { method: 'GET', url: 'ftp://a/' }],
    ['a password in the URL', { method: 'GET', url: `https://u:p@${HOST}/` }],
    ['a broken percent escape', { method: 'GET', url: `${ORIGIN}/%zz` }],
    ['a GET with a body', { method: 'GET', url: ORIGIN, body: bytes('x') }],
    ['a signature already there', { method: 'GET', url: ORIGIN, headers: { Signature: 'eth=:AA==:' } }],
    ['a digest already there', { method: 'GET', url: ORIGIN, headers: { 'content-digest': 'x' } }],
    ['a host of its own', { method: 'GET', url: ORIGIN, headers: { Host: 'other' } }],
    ['a header twice', { method: 'GET', url: ORIGIN, headers: { a: '1', A: '2' } }],
  ] as const) {
    test(`refuses ${what}`, () =>
      assert.rejects(createRequestSigner(signMessage, account).signRequest(request), invalid));
  }

  test('refuses an account whose answer is no signature, without repeating it', async () => {
    for (const answer of ['0x', 'junk', `0x${'zz'.repeat(65)}`, `0x${'ab'.repeat(64)}`]) {
      const signer = createRequestSigner(async () => answer, account);
      await assert.rejects(signer.signRequest({ method: 'GET', url: ORIGIN }), (error: Error) => {
        return error.name === 'AnswerError' && !error.message.includes(answer.slice(2, 10) || '\0');
      });
    }
  });
});
