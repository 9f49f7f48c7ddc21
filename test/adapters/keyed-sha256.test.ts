import assert from 'node:assert/strict';
import { it } from 'node:test';
import { KeyedSha256 } from '../../adapters/crypto/keyed-sha256.ts';

const text = (of: string) => new TextEncoder().encode(of);
const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');

it('KeyedSha256 without a secret is SHA-256 (FIPS 180-4, "abc"), in parts and anew', async () => {
  const running = new KeyedSha256();
  for (let round = 0; round < 2; round++) {
    running.reset();
    for (const part of ['a', 'bc']) running.update(text(part));
    const digest = hex(await running.digest());
    assert.equal(digest, 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad');
  }
});

it('KeyedSha256 under a secret, as text, bytes or part of a buffer, is HMAC (RFC 4231, case 2), and anew', async () => {
  const whole = text('xxJefe').buffer as ArrayBuffer;
  for (const secret of ['Jefe', text('Jefe'), whole.slice(2), new DataView(whole, 2)]) {
    const running = new KeyedSha256(secret);
    for (let round = 0; round < 2; round++) {
      running.update(text('what do ya want for nothing?'));
      const digest = hex(await running.digest());
      assert.equal(digest, '5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843');
      running.reset();
    }
  }
});
