import assert from 'node:assert/strict';
import { hkdfSync } from 'node:crypto';
import { describe, it } from 'node:test';
import { keccak_256 } from '@noble/hashes/sha3.js';
import { concatBytes, to0x, u8, u32, utf8 } from '../../core/bytes.ts';
import { datasetId } from '../../core/ids.ts';
import { deriveDatasetKey } from '../../core/keys.ts';
import type { Primitives } from '../../core/ports/primitives.ts';
import { BOTH } from './both-primitives.ts';
import { hex, readVectors } from './vector-bytes.ts';

interface Sha256File {
  cases: { name: string; message: string; times: number; digest: string }[];
}
interface HmacFile {
  cases: { name: string; key: string; data: string; mac: string }[];
}
interface HkdfFile {
  cases: { name: string; ikm: string; salt: string; info: string; length: number; okm: string }[];
}
interface GcmFile {
  cases: { name: string; key: string; iv: string; aad: string; plaintext: string; ciphertext: string; tag: string }[];
}
interface KeccakFile {
  cases: { message: string; digest: string }[];
}

const sha256Cases = readVectors<Sha256File>('published/sha256').cases;
const hmacCases = readVectors<HmacFile>('published/hmac-sha256').cases;
const hkdfCases = readVectors<HkdfFile>('published/hkdf-sha256').cases;
const gcmCases = readVectors<GcmFile>('published/aes-256-gcm').cases;
const keccakCases = readVectors<KeccakFile>('published/keccak256').cases;

/** RFC 5869 in full, on the primitive that the core derives its keys with. */
function hkdf(primitives: Primitives, ikm: Uint8Array, salt: Uint8Array, info: Uint8Array, length: number): Uint8Array {
  const pseudorandom = primitives.hmacSha256(salt.length === 0 ? new Uint8Array(32) : salt, ikm);
  let block: Uint8Array = new Uint8Array(0);
  let output: Uint8Array = new Uint8Array(0);
  for (let counter = 1; output.length < length; counter++) {
    block = primitives.hmacSha256(pseudorandom, concatBytes(block, info, u8(counter)));
    output = concatBytes(output, block);
  }
  return output.subarray(0, length);
}

for (const { name, primitives } of BOTH) {
  describe(`published vectors on ${name}`, () => {
    for (const vector of sha256Cases) {
      it(`SHA-256, FIPS 180-4: ${vector.name}`, () => {
        const message = utf8(vector.message.repeat(vector.times));
        assert.equal(to0x(primitives.sha256(message)), vector.digest);
        const running = primitives.createSha256();
        for (let at = 0; at < message.length; at += 65_521) running.update(message.subarray(at, at + 65_521));
        assert.equal(to0x(running.digest()), vector.digest);
      });
    }

    it('SHA-256 in pieces of every size around the block length', () => {
      const message = utf8('0123456789abcdef'.repeat(16));
      const whole = to0x(primitives.sha256(message));
      for (let piece = 1; piece <= 130; piece++) {
        const running = primitives.createSha256();
        for (let at = 0; at < message.length; at += piece) running.update(message.subarray(at, at + piece));
        assert.equal(to0x(running.digest()), whole, `pieces of ${piece}`);
      }
    });

    for (const vector of hmacCases) {
      it(`HMAC-SHA-256, RFC 4231: ${vector.name}`, () => {
        const mac = to0x(primitives.hmacSha256(hex(vector.key), hex(vector.data)));
        assert.equal(mac.slice(0, vector.mac.length), vector.mac);
        assert.equal(mac.length, 66);
      });
    }

    for (const vector of hkdfCases) {
      it(`HKDF-SHA-256, RFC 5869: ${vector.name}`, () => {
        const okm = hkdf(primitives, hex(vector.ikm), hex(vector.salt), hex(vector.info), vector.length);
        assert.equal(to0x(okm), vector.okm);
      });
    }

    it("derives dataset keys as node's own HKDF does", () => {
      const dataset = datasetId(`0x${'5a'.repeat(32)}`);
      for (const size of [16, 32, 64, 100]) {
        const seed = new Uint8Array(size).fill(size);
        const root = new Uint8Array(hkdfSync('sha256', seed, new Uint8Array(0), 'plumbline/2/datasets', 32));
        const wanted = primitives.hmacSha256(root, concatBytes(u8(0x30), hex(dataset), u32(size)));
        assert.deepEqual(deriveDatasetKey(primitives, seed, dataset, size), wanted);
      }
    });

    for (const vector of gcmCases) {
      it(`AES-256-GCM, ${vector.name}`, () => {
        const [key, iv, aad] = [hex(vector.key), hex(vector.iv), hex(vector.aad)];
        const sealed = concatBytes(hex(vector.ciphertext), hex(vector.tag));
        assert.deepEqual(primitives.sealAesGcm(key, iv, aad, hex(vector.plaintext)), sealed);
        assert.deepEqual(primitives.openAesGcm(key, iv, aad, sealed), hex(vector.plaintext));
      });
    }

    it('AES-256-GCM opens nothing after any one bit of key, iv, aad, ciphertext or tag changed', () => {
      const vector = gcmCases.find(({ name }) => name === 'test case 16');
      assert.ok(vector);
      const parts = [vector.key, vector.iv, vector.aad, vector.ciphertext + vector.tag.slice(2)].map(hex);
      for (const [part, bytes] of parts.entries()) {
        for (let bit = 0; bit < 8 * bytes.length; bit++) {
          const changed = parts.map((each) => Uint8Array.from(each)) as [
            Uint8Array,
            Uint8Array,
            Uint8Array,
            Uint8Array,
          ];
          (changed[part] as Uint8Array)[bit >> 3]! ^= 1 << (bit & 7);
          const [key, iv, aad, sealed] = changed;
          assert.equal(primitives.openAesGcm(key, iv, aad, sealed), null, `part ${part}, bit ${bit}`);
        }
      }
    });

    it('AES-256-GCM opens nothing that is shorter than its tag', () => {
      for (let length = 0; length < 16; length++) {
        const opened = primitives.openAesGcm(
          new Uint8Array(32),
          new Uint8Array(12),
          new Uint8Array(0),
          new Uint8Array(length),
        );
        assert.equal(opened, null, `${length} bytes`);
      }
    });

    it('gives random bytes of the length asked for, and never the same twice', () => {
      const seen = new Set(Array.from({ length: 64 }, () => to0x(primitives.randomBytes(16))));
      assert.equal(seen.size, 64);
      assert.equal(primitives.randomBytes(5).length, 5);
      assert.equal(primitives.randomBytes(0).length, 0);
    });
  });
}

describe('published vectors of keccak256', () => {
  for (const vector of keccakCases) {
    it(`keccak256 of ${JSON.stringify(vector.message)}`, () => {
      assert.equal(to0x(keccak_256(utf8(vector.message))), vector.digest);
    });
  }
});
