import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { SignedRequest } from '../../adapters/http-signature/sign-request.ts';
import { bytes, makeSigner, makeVerifier, ORIGIN } from './fixture.ts';

type Part = 'method' | 'target' | 'body' | 'signature' | 'signature-input' | 'content-digest';

const BODY = bytes('{"blocks":[0,1,2]}');
const signed = await makeSigner()('POST', '/v1/datasets/0xab%2F/segments?from=1&to=%20', BODY);

const PARTS: Record<Part, number> = {
  method: signed.method.length,
  target: signed.url.length - ORIGIN.length,
  body: BODY.length,
  signature: signed.headers.signature!.length,
  'signature-input': signed.headers['signature-input']!.length,
  'content-digest': signed.headers['content-digest']!.length,
};

/** Any part, any place in it, any other character there. */
const change = fc
  .constantFrom(...(Object.keys(PARTS) as Part[]))
  .chain((part) => fc.tuple(fc.constant(part), fc.nat(PARTS[part] - 1), fc.integer({ min: 1, max: 127 })));

test('any single changed character of a signed request is refused, and burns nothing', async () => {
  assert.equal((await makeVerifier().verify(signed)).ok, true, 'the request that is tampered with is a good one');
  await fc.assert(
    fc.asyncProperty(change, async ([part, at, flip]) => {
      const { verify, nonces } = makeVerifier();
      const result = await verify(tamper(part, at, flip));
      assert.equal(result.ok, false);
      assert.equal(nonces.burnt.size, 0);
    }),
    { numRuns: 600 },
  );
});

test('any single changed bit of the signature is refused', async () => {
  const [, base64 = ''] = /^eth=:(.+):$/.exec(signed.headers.signature!) ?? [];
  const plain = Buffer.from(base64, 'base64');
  await fc.assert(
    fc.asyncProperty(fc.nat(65 * 8 - 1), async (bit) => {
      const other = Buffer.from(plain);
      other[bit >> 3]! ^= 1 << (bit & 7);
      const headers = { ...signed.headers, signature: `eth=:${other.toString('base64')}:` };
      assert.equal((await makeVerifier().verify({ ...signed, headers })).ok, false);
    }),
    { numRuns: 200 },
  );
});

test('a character inserted or left out anywhere is refused', async () => {
  await fc.assert(
    fc.asyncProperty(change, fc.boolean(), async ([part, at, code], insert) => {
      const edit = (text: string) =>
        text.slice(0, at) + (insert ? String.fromCharCode(code) : '') + text.slice(insert ? at : at + 1);
      const edited =
        part === 'body' ? { ...signed, body: bytes(edit(new TextDecoder().decode(BODY))) } : editText(part, edit);
      assert.equal((await makeVerifier().verify(edited)).ok, false);
    }),
    { numRuns: 600 },
  );
});

test('whatever the headers hold, the answer is a refusal with a reason, never an exception', async () => {
  const junk = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.string({ unit: fc.constantFrom(...'eth=();:,"\\ @methodpathcreated0123456789'), maxLength: 200 }),
    fc.constantFrom(signed.headers.signature!, signed.headers['signature-input']!),
  );
  const request = fc.record({
    method: fc.oneof(fc.string(), fc.constant('POST')),
    url: fc.oneof(fc.string(), fc.webUrl(), fc.constant(signed.url)),
    headers: fc.record(
      { signature: junk, 'signature-input': junk, 'content-digest': junk, host: junk },
      { requiredKeys: [] },
    ),
    body: fc.uint8Array({ maxLength: 20 }),
  });
  await fc.assert(
    fc.asyncProperty(request, async (value) => {
      const result = await makeVerifier().verify(value as SignedRequest);
      assert.ok(result.ok === false && result.reason.length > 0 && result.detail.length < 300);
    }),
    { numRuns: 1000 },
  );
});

function tamper(part: Part, at: number, flip: number): SignedRequest {
  if (part === 'body') {
    const body = Uint8Array.from(BODY);
    body[at]! ^= flip;
    return { ...signed, body };
  }
  return editText(
    part,
    (text) => text.slice(0, at) + String.fromCharCode(text.charCodeAt(at) ^ flip) + text.slice(at + 1),
  );
}

function editText(part: Exclude<Part, 'body'>, edit: (text: string) => string): SignedRequest {
  if (part === 'method') return { ...signed, method: edit(signed.method) };
  if (part === 'target') return { ...signed, url: ORIGIN + edit(signed.url.slice(ORIGIN.length)) };
  return { ...signed, headers: { ...signed.headers, [part]: edit(signed.headers[part]!) } };
}
