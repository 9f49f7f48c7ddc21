import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { SignedRequest } from '../../adapters/http-signature/sign-request.ts';
import { createRequestVerifier, type VerifiedRequest } from '../../adapters/http-signature/verify-request.ts';
import {
  ADDRESS,
  bytes,
  CHAIN_ID,
  digestField,
  HOST,
  makeSigner,
  makeVerifier,
  NOW_MS,
  NOW_SEC,
  ORIGIN,
  OTHER_KEY,
  POLICY,
  type Recipe,
  signByHand,
} from './fixture.ts';

const ORDER = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n;
type Reason = Exclude<VerifiedRequest, { ok: true }>['reason'];

/** Refused for this reason, with words for it, and no nonce burnt on the way. */
async function refuses(request: SignedRequest, reason: Reason, detail = /.{10}/): Promise<void> {
  const { verify, nonces } = makeVerifier();
  const result = await verify(request);
  assert.equal(result.ok, false, 'the request was accepted');
  assert.equal(result.reason, reason, result.detail);
  assert.match(result.detail, detail);
  assert.equal(nonces.burnt.size, 0, 'a refused request burnt a nonce');
}

describe('a signed request is accepted', () => {
  const sign = makeSigner();

  for (const [method, target, body] of [
    ['GET', '/v1/datasets', undefined],
    ['GET', '/v1/datasets?from=1&to=2', undefined],
    ['DELETE', '/v1/datasets/1', undefined],
    ['POST', '/v1/datasets', undefined],
    ['POST', '/v1/datasets', bytes('{"a":1}')],
    ['PATCH', '/v1/datasets?x=%2F%3f', bytes('x')],
    ['POST', '/v1/datasets', new Uint8Array(POLICY.maxBodyBytes)],
  ] as const) {
    test(`${method} ${target} with ${body?.length ?? 'no'} body bytes`, async () => {
      assert.deepEqual(await makeVerifier().verify(await sign(method, target, body)), { ok: true, address: ADDRESS });
    });
  }

  test('whatever the case of header names, Host and key id', async () => {
    const signed = signByHand({ keyId: `erc8128:${CHAIN_ID}:0x${ADDRESS.slice(2).toUpperCase()}` });
    const shouted = Object.fromEntries(Object.entries(signed.headers).map(([k, v]) => [k.toUpperCase(), v]));
    const request = { ...signed, url: signed.url.replace(HOST, HOST.toUpperCase()), headers: { ...shouted, HOST } };
    assert.deepEqual(await makeVerifier().verify(request), { ok: true, address: ADDRESS });
  });

  test('with a header covered too, and a tag', async () => {
    const components = ['@authority', '@method', '@path', 'x-note'];
    const params = `;created=${NOW_SEC};expires=${NOW_SEC + 1};nonce="12345678";keyid="erc8128:${CHAIN_ID}:${ADDRESS}";tag="t"`;
    const signed = signByHand({ components, params, headers: { 'x-note': 'a  b' } });
    assert.equal((await makeVerifier().verify(signed)).ok, true);
    for (const changed of ['a b', 'a  b\n', 'a  c']) {
      const again = signByHand({ components, headers: { 'x-note': 'a  b' } });
      const result = await makeVerifier().verify({ ...again, headers: { ...again.headers, 'x-note': changed } });
      assert.equal(result.ok, false, JSON.stringify(changed));
    }
  });

  test('with the shortest and the longest nonce', async () => {
    assert.equal((await makeVerifier().verify(signByHand({ nonce: 'a'.repeat(8) }))).ok, true);
    assert.equal((await makeVerifier().verify(signByHand({ nonce: 'a'.repeat(64) }))).ok, true);
  });

  test('to any of the allowed hosts, port included', async () => {
    const { verify } = makeVerifier({ allowedAuthorities: ['127.0.0.1:8080', '[::1]:8080'] });
    assert.equal((await verify(signByHand({ host: '127.0.0.1:8080' }))).ok, true);
    assert.equal((await verify(signByHand({ host: '[::1]:8080' }))).ok, true);
    assert.equal((await verify(signByHand({ host: '127.0.0.1:8081' }))).ok, false);
  });
});

describe('an attacker who changes a signed request is refused', () => {
  const sign = makeSigner();
  const body = bytes('{"blocks":[1,2,3]}');

  test('another method', async () => refuses({ ...(await sign('DELETE', '/v1/a')), method: 'GET' }, 'signature'));
  test('a method in lower case', async () => refuses({ ...(await sign('GET', '/v1/a')), method: 'get' }, 'malformed'));
  test('another path', async () => refuses({ ...(await sign('GET', '/v1/a')), url: `${ORIGIN}/v1/b` }, 'signature'));
  test('another query', async () =>
    refuses({ ...(await sign('GET', '/v1/a?b=1')), url: `${ORIGIN}/v1/a?b=2` }, 'signature'));
  test('a query removed', async () =>
    refuses({ ...(await sign('GET', '/v1/a?b=1')), url: `${ORIGIN}/v1/a` }, 'signature'));
  test('a query added to a request without one', async () =>
    refuses({ ...(await sign('GET', '/v1/a')), url: `${ORIGIN}/v1/a?b=1` }, 'components'));

  // Every one of these is the same URL to a parser that normalises, as fetch's does.
  for (const path of ['/v1/./a', '/v1/%2e/a', '/v1/b/../a', '//v1/a', '/v1/a/', '/v1/%61']) {
    test(`the path written as ${path}`, async () =>
      refuses({ ...(await sign('GET', '/v1/a')), url: ORIGIN + path }, 'signature'));
  }
  for (const path of ['/v1\\a', '/v1/\ta', '/v1/a#b', '/v1/a\n', '/v1/ä', '/v1/%zz', ' /v1/a', '']) {
    test(`the path written as ${JSON.stringify(path)}`, async () =>
      refuses({ ...(await sign('GET', '/v1/a')), url: ORIGIN + path }, 'malformed'));
  }

  test('another body', async () => refuses({ ...(await sign('POST', '/v1/a', body)), body: bytes('{}') }, 'digest'));
  test('another body of the same length', async () => {
    const other = Uint8Array.from(body);
    other[3]! ^= 1;
    await refuses({ ...(await sign('POST', '/v1/a', body)), body: other }, 'digest');
  });
  test('the body left out', async () => {
    const { body: _, ...rest } = await sign('POST', '/v1/a', body);
    await refuses(rest, 'digest');
  });
  test('another body with its own digest', async () => {
    const signed = await sign('POST', '/v1/a', body);
    const headers = { ...signed.headers, 'content-digest': digestField(bytes('{}')) };
    await refuses({ ...signed, headers, body: bytes('{}') }, 'signature');
  });
  test('the digest altered', async () => {
    const signed = await sign('POST', '/v1/a', body);
    await refuses({ ...signed, headers: { ...signed.headers, 'content-digest': digestField(bytes('{}')) } }, 'digest');
  });
  test('the digest left out', async () => {
    const signed = await sign('POST', '/v1/a', body);
    const { 'content-digest': _, ...headers } = signed.headers;
    await refuses({ ...signed, headers }, 'digest');
  });
  for (const [what, field] of [
    ['of another algorithm', 'sha-512=:AAAA:'],
    ['of two algorithms', `${digestField(body)}, md5=:AAAA:`],
    ['without padding', digestField(body).replace(/=:$/, ':')],
    ['in base64 with stray bits', digestField(body).replace(/.=:$/, (end) => `${end[0] === 'B' ? 'C' : 'B'}=:`)],
  ] as const) {
    test(`a digest ${what}, even signed`, async () =>
      refuses(signByHand({ method: 'POST', body, headers: { 'content-digest': field } }), 'digest'));
  }
  test('a body smuggled into a request signed without one', async () => {
    const signed = await sign('POST', '/v1/a');
    await refuses({ ...signed, body }, 'components');
    await refuses(
      { ...signed, body, headers: { ...signed.headers, 'content-digest': digestField(body) } },
      'components',
    );
  });

  test('sent to another host', async () => {
    const signed = await sign('GET', '/v1/a');
    await refuses({ ...signed, url: 'https://other.example/v1/a' }, 'authority');
  });
  test('made for another host that is allowed as well', async () => {
    const { verify } = makeVerifier({ allowedAuthorities: [HOST, 'other.example'] });
    const result = await verify({ ...(await sign('GET', '/v1/a')), url: 'https://other.example/v1/a' });
    assert.equal(result.ok === false && result.reason, 'signature');
  });
  test('sent to another host behind a forwarded one', async () => {
    const signed = await sign('GET', '/v1/a');
    const headers = { ...signed.headers, 'x-forwarded-host': HOST, forwarded: `host=${HOST}` };
    await refuses({ ...signed, url: 'https://other.example/v1/a', headers }, 'authority');
  });
  test('a Host header that differs from the URL', async () => {
    const signed = await sign('GET', '/v1/a');
    await refuses({ ...signed, headers: { ...signed.headers, host: 'other.example' } }, 'authority');
  });
  for (const host of [`${HOST}:443`, `${HOST}.`, `x.${HOST}`, HOST.slice(1)]) {
    test(`signed for ${host}`, async () => refuses(signByHand({ host }), 'authority'));
  }
  for (const host of [`user@${HOST}`, `${HOST}@evil`, '', 'a b', 'ä']) {
    test(`signed for the host ${JSON.stringify(host)}`, async () => refuses(signByHand({ host }), 'malformed'));
  }
});

describe('a signature that this service does not take is refused', () => {
  const refusesRecipe = (recipe: Recipe, reason: Reason, detail?: RegExp) =>
    refuses(signByHand(recipe), reason, detail);

  test('no signature at all', () => refuses({ method: 'GET', url: `${ORIGIN}/`, headers: {} }, 'unsigned'));
  test('by another key than the key id says', () => refusesRecipe({ key: OTHER_KEY }, 'signature'));
  test('for another chain', () => refusesRecipe({ keyId: `erc8128:1:${ADDRESS}` }, 'chain'));
  for (const keyId of [
    `erc8128:0${CHAIN_ID}:${ADDRESS}`,
    `erc8128:${CHAIN_ID}.0:${ADDRESS}`,
    `eip155:${CHAIN_ID}:${ADDRESS}`,
    `erc8128:${CHAIN_ID}:${ADDRESS}0`,
    `erc8128:${CHAIN_ID}:${ADDRESS.slice(2)}`,
    ADDRESS,
    '',
  ]) {
    test(`key id ${JSON.stringify(keyId)}`, () => refusesRecipe({ keyId }, 'malformed'));
  }

  test('without a nonce', () => refusesRecipe({ nonce: null }, 'malformed'));
  test('with a nonce of 7 characters', () => refusesRecipe({ nonce: 'a'.repeat(7) }, 'malformed'));
  test('with a nonce of 65 characters', () => refusesRecipe({ nonce: 'a'.repeat(65) }, 'malformed'));
  test('with spaces in the nonce', () => refusesRecipe({ nonce: 'a b c d e f' }, 'malformed'));

  test('valid for 61 seconds', () => refusesRecipe({ expiresSec: NOW_SEC + 61 }, 'validity-too-long'));
  test('expired before it was created', () => refusesRecipe({ expiresSec: NOW_SEC }, 'malformed'));

  for (const left of ['@method', '@authority', '@path', '@query', 'content-digest']) {
    test(`${left} not covered`, () => {
      const all = ['@method', '@authority', '@path', '@query', 'content-digest'];
      const components = all.filter((name) => name !== left);
      return refusesRecipe({ method: 'POST', query: 'a=1', body: bytes('x'), components }, 'components');
    });
  }
  test('nothing covered', () => refusesRecipe({ components: [] }, 'components'));
  test('class-bound, good for any request to this host', () =>
    refusesRecipe({ components: ['@authority'] }, 'components'));
  test('a covered header that is not there', () =>
    refusesRecipe({ components: ['@method', '@authority', '@path', 'x-note'] }, 'components'));
  for (const component of [
    '@scheme',
    '@target-uri',
    '@request-target',
    '@query-param',
    '@nonsense',
    'X-Note',
    'a b',
    '',
  ]) {
    test(`${JSON.stringify(component)} covered`, () =>
      refusesRecipe({ components: ['@method', '@authority', '@path', component] }, 'components'));
  }
  test('a header covered that is named like a derived component', () =>
    refusesRecipe(
      { components: ['@method', '@authority', '@path', '@scheme'], headers: { '@scheme': 'https' } },
      'components',
    ));
  test('a covered header that holds further lines of a signature base', () =>
    refusesRecipe(
      { components: ['@method', '@authority', '@path', 'x-note'], headers: { 'x-note': 'a\n"@path": /v1/b' } },
      'malformed',
    ));
  test('a Signature-Input of 3,000 characters, well signed', () =>
    refusesRecipe(
      {
        params: `;created=${NOW_SEC};expires=${NOW_SEC + 60};nonce="12345678";keyid="erc8128:${CHAIN_ID}:${ADDRESS}";tag="${'a'.repeat(3000)}"`,
      },
      'malformed',
      /at most/,
    ));
  test('a component covered twice', () =>
    refusesRecipe({ components: ['@method', '@authority', '@path', '@path'] }, 'malformed'));
  test('17 components covered', () => {
    const names = Array.from({ length: 14 }, (_, i) => `x-${i}`);
    const headers = Object.fromEntries(names.map((name) => [name, '1']));
    return refusesRecipe({ components: ['@method', '@authority', '@path', ...names], headers }, 'malformed');
  });

  test('the other signature with the same meaning (high s)', () =>
    refusesRecipe(
      {
        reshape: (signature) => {
          const s = BigInt(`0x${Buffer.from(signature.subarray(32, 64)).toString('hex')}`);
          const twin = Uint8Array.from(signature);
          twin.set(Buffer.from((ORDER - s).toString(16).padStart(64, '0'), 'hex'), 32);
          twin[64] = signature[64] === 27 ? 28 : 27;
          return twin;
        },
      },
      'signature',
      /low s/,
    ));
  test('v as 0 or 1', () =>
    refusesRecipe({ reshape: (signature) => signature.with(64, signature[64]! - 27) }, 'signature'));
  test('64 bytes (EIP-2098)', () =>
    refusesRecipe(
      {
        reshape: (signature) => {
          const compact = signature.slice(0, 64);
          if (signature[64] === 28) compact[32]! |= 0x80;
          return compact;
        },
      },
      'signature',
    ));
  test('66 bytes', () =>
    refusesRecipe({ reshape: (signature) => Uint8Array.of(...signature, 0) }, 'signature', /66 bytes/));
  test('all zeros', () => refusesRecipe({ reshape: () => new Uint8Array(65) }, 'signature', /out of range/));
  test('an r that is on no point of the curve', () =>
    refusesRecipe({ reshape: () => new Uint8Array(65).with(31, 5).with(63, 1).with(64, 27) }, 'signature'));
  test('an r above the order', () =>
    refusesRecipe(
      { reshape: (signature) => Uint8Array.from(signature).fill(255, 0, 32) },
      'signature',
      /out of range/,
    ));
});

describe('headers that could be read in two ways are malformed', () => {
  const good = () => signByHand();
  const withHeader = (name: string, change: (value: string) => string) => {
    const signed = good();
    return { ...signed, headers: { ...signed.headers, [name]: change(signed.headers[name] ?? '') } };
  };
  const INPUT = 'signature-input';

  for (const [what, make] of [
    [
      'two signatures',
      () => {
        const [a, b] = [good(), signByHand({ label: 'b' })];
        const both = (name: string) => `${a.headers[name]}, ${b.headers[name]}`;
        return { ...a, headers: { [INPUT]: both(INPUT), signature: both('signature') } };
      },
    ],
    ['two inputs, one signature', () => withHeader(INPUT, (v) => `${v}, b=${v.slice(4)}`)],
    ['the same label twice', () => withHeader(INPUT, (v) => `${v}, ${v}`)],
    ['two signatures, one input', () => withHeader('signature', (v) => `eth=:AAAA:, ${v}`)],
    ['another label in Signature', () => withHeader('signature', (v) => v.replace('eth', 'sig'))],
    ['another label in Signature-Input', () => withHeader(INPUT, (v) => v.replace('eth', 'sig'))],
    ['a label in upper case in both', () => signByHand({ label: 'Eth' })],
    ['no label', () => signByHand({ label: '' })],
    [
      'Signature without Signature-Input',
      () => {
        const signed = good();
        return { ...signed, headers: { signature: signed.headers.signature ?? '' } };
      },
    ],
    [
      'Signature-Input without Signature',
      () => {
        const signed = good();
        return { ...signed, headers: { [INPUT]: signed.headers[INPUT] ?? '' } };
      },
    ],
    [
      'Signature in two spellings',
      () => {
        const signed = good();
        return { ...signed, headers: { ...signed.headers, Signature: signed.headers.signature ?? '' } };
      },
    ],
    [
      'another header in two spellings',
      () => {
        const signed = good();
        return { ...signed, headers: { ...signed.headers, 'X-Note': 'a', 'x-note': 'a' } };
      },
    ],
    ['an empty Signature', () => withHeader('signature', () => '')],
    ['an empty Signature-Input', () => withHeader(INPUT, () => '')],
    ['junk after the parameters', () => withHeader(INPUT, (v) => `${v} junk`)],
    ['a trailing comma', () => withHeader(INPUT, (v) => `${v},`)],
    ['an unclosed list', () => withHeader(INPUT, (v) => v.replace(')', ''))],
    ['an unclosed string', () => withHeader(INPUT, (v) => v.slice(0, -1))],
    ['two spaces between components', () => withHeader(INPUT, (v) => v.replace(' ', '  '))],
    ['a space before a parameter', () => withHeader(INPUT, (v) => v.replace(';', '; '))],
    ['an escape in a string', () => withHeader(INPUT, (v) => v.replace('nonce="', 'nonce="\\"'))],
    ['a component with parameters', () => withHeader(INPUT, (v) => v.replace('"@path"', '"@path";req'))],
    ['a line feed', () => withHeader(INPUT, (v) => `${v}\n`)],
    ['a created with a fraction', () => withHeader(INPUT, (v) => v.replace(/created=\d+/, 'created=1.5'))],
    ['a negative created', () => withHeader(INPUT, (v) => v.replace('created=', 'created=-'))],
    ['a created with 16 digits', () => withHeader(INPUT, (v) => v.replace(/created=\d+/, `created=${'9'.repeat(16)}`))],
    ['a created in quotes', () => withHeader(INPUT, (v) => v.replace(/created=(\d+)/, 'created="$1"'))],
    ['no created', () => withHeader(INPUT, (v) => v.replace(/;created=\d+/, ''))],
    ['no expires', () => withHeader(INPUT, (v) => v.replace(/;expires=\d+/, ''))],
    ['no keyid', () => withHeader(INPUT, (v) => v.replace(/;keyid="[^"]+"/, ''))],
    ['expires twice', () => withHeader(INPUT, (v) => `${v};expires=${NOW_SEC + 60}`)],
    ['an algorithm', () => withHeader(INPUT, (v) => `${v};alg="hmac-sha256"`)],
    ['an unknown parameter', () => withHeader(INPUT, (v) => `${v};sudo=1`)],
    ['a flag', () => withHeader(INPUT, (v) => `${v};sudo`)],
    ['Signature that is no base64', () => withHeader('signature', () => 'eth=:!!!!:')],
    ['Signature in base64url', () => withHeader('signature', () => `eth=:${'-_'.repeat(43)}A=:`)],
    ['Signature without padding', () => withHeader('signature', (v) => v.replace(/=:$/, ':'))],
    [
      'Signature with stray bits',
      () => withHeader('signature', (v) => v.replace(/.=:$/, (end) => `${end[0] === 'B' ? 'D' : 'B'}=:`)),
    ],
    ['Signature without colons', () => withHeader('signature', (v) => v.replaceAll(':', ''))],
    ['a huge Signature-Input', () => withHeader(INPUT, (v) => v.replace('nonce="', `nonce="${'a'.repeat(3000)}`))],
    ['a huge Signature', () => withHeader('signature', () => `eth=:${'A'.repeat(4000)}:`)],
    ['a huge header that matters to nobody', () => withHeader('cookie', () => 'a'.repeat(20_000))],
    [
      '20,000 headers',
      () => {
        const many = Object.fromEntries(Array.from({ length: 20_000 }, (_, i) => [`x${i}`, '']));
        return { ...good(), headers: { ...good().headers, ...many } };
      },
    ],
    ['a URL of 9,000 characters', () => signByHand({ path: `/${'a'.repeat(9_000)}` })],
    ['a body above the limit', () => signByHand({ method: 'POST', body: new Uint8Array(POLICY.maxBodyBytes + 1) })],
    ['a relative URL', () => ({ ...good(), url: '/v1/datasets' })],
    ['another scheme', () => ({ ...good(), url: `ftp://${HOST}/v1/datasets` })],
    ['an empty method', () => ({ ...good(), method: '' })],
    ['a header that is a number', () => ({ ...good(), headers: { ...good().headers, x: 1 as unknown as string } })],
    ['a body that is a string', () => ({ ...good(), body: 'x' as unknown as Uint8Array })],
  ] as [string, () => SignedRequest][]) {
    test(what, () => refuses(make(), 'malformed'));
  }
});

describe('time', () => {
  const at = async (nowMs: number) => {
    const { verify, clock } = makeVerifier();
    clock.nowMs = nowMs;
    const result = await verify(signByHand({ createdSec: NOW_SEC, expiresSec: NOW_SEC + 60 }));
    return result.ok ? 'ok' : result.reason;
  };

  test('is given 30 seconds at either end, and not a millisecond more', async () => {
    assert.equal(await at(NOW_MS - 30_001), 'not-yet-valid');
    assert.equal(await at(NOW_MS - 30_000), 'ok');
    assert.equal(await at(NOW_MS + 90_000), 'ok');
    assert.equal(await at(NOW_MS + 90_001), 'expired');
  });
});

describe('a replayed request', () => {
  test('is refused from its first use until it has expired for good', async () => {
    const { verify, clock } = makeVerifier();
    const signed = signByHand();
    clock.nowMs = NOW_MS - 30_000;
    assert.equal((await verify(signed)).ok, true);
    for (let nowMs = NOW_MS - 30_000; nowMs <= NOW_MS + 200_000; nowMs += 10_000) {
      clock.nowMs = nowMs;
      const result = await verify(signed);
      assert.equal(
        result.ok === false && result.reason,
        nowMs <= NOW_MS + 90_000 ? 'replayed' : 'expired',
        `${nowMs - NOW_MS}`,
      );
    }
  });

  test('is remembered by account and nonce, for the validity and twice the skew', async () => {
    const { verify, nonces } = makeVerifier();
    await verify(signByHand({ nonce: 'the-nonce' }));
    assert.deepEqual([...nonces.burnt], [[`${ADDRESS}:the-nonce`, NOW_MS + 60_000 + 2 * 30_000]]);
  });

  test('is refused though the request around the nonce is another, freshly signed', async () => {
    const { verify } = makeVerifier();
    assert.equal((await verify(signByHand({ nonce: 'the-nonce' }))).ok, true);
    const result = await verify(signByHand({ nonce: 'the-nonce', path: '/v1/other', createdSec: NOW_SEC + 1 }));
    assert.equal(result.ok === false && result.reason, 'replayed');
  });

  test('does not keep another account from using the same nonce', async () => {
    const { verify } = makeVerifier();
    const sign = makeSigner(OTHER_KEY);
    const theirs = await sign('GET', '/v1/a');
    const nonce = /nonce="([^"]+)"/.exec(theirs.headers['signature-input'] ?? '')?.[1] ?? '';
    assert.equal((await verify(signByHand({ nonce }))).ok, true);
    assert.equal((await verify(theirs)).ok, true);
  });

  test('of which 50 arrive at once is accepted exactly once', async () => {
    const { verify } = makeVerifier();
    const signed = signByHand({ method: 'POST', body: bytes('pay me') });
    const results = await Promise.all(Array.from({ length: 50 }, () => verify(signed)));
    assert.equal(results.filter((result) => result.ok).length, 1);
    assert.equal(results.filter((result) => !result.ok && result.reason === 'replayed').length, 49);
  });

  test('cannot be forestalled: a forgery with the same nonce burns nothing', async () => {
    const { verify } = makeVerifier();
    const real = signByHand({ nonce: 'the-nonce' });
    const forged = signByHand({ nonce: 'the-nonce', key: OTHER_KEY });
    assert.equal((await verify(forged)).ok, false);
    assert.equal((await verify(real)).ok, true);
  });

  test('is not let in while the nonces cannot be reached', async () => {
    const nonces = { burn: () => Promise.reject(new Error('table is down')) };
    const { verify } = createRequestVerifier({ nonces, nowMs: () => NOW_MS }, POLICY);
    await assert.rejects(verify(signByHand()), /table is down/);
  });
});

test('a policy that accepts nobody, or is not in lower case, is refused at once', () => {
  const { clock, nonces } = makeVerifier();
  for (const allowedAuthorities of [[], ['API.example'], ['']]) {
    const policy = { ...POLICY, allowedAuthorities };
    assert.throws(() => createRequestVerifier({ nonces, nowMs: () => clock.nowMs }, policy), {
      name: 'ArgumentError',
    });
  }
});
