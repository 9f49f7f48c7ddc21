import { createCipheriv, createDecipheriv, createHash, createSecretKey, hash, randomBytes } from 'node:crypto';
import type { Primitives } from '../../core/ports/primitives.ts';

const TAG_BYTES = 16;

/**
 * The core's cryptography on node:crypto. Keys are made key objects first: given bytes, Node 24 takes 25 µs to find out what
 * kind of key they are, four times as long as all the rest of sealing a small block.
 */
export const nodePrimitives: Primitives = {
  sha256: (data) => plain(hash('sha256', data, 'buffer')),
  createSha256() {
    const running = createHash('sha256');
    return {
      update: (data) => void running.update(data),
      digest: () => plain(running.digest()),
    };
  },
  hmacSha256,
  sealAesGcm(key, iv, aad, plaintext) {
    const cipher = createCipheriv('aes-256-gcm', createSecretKey(key), iv).setAAD(aad);
    return plain(Buffer.concat([cipher.update(plaintext), cipher.final(), cipher.getAuthTag()]));
  },
  openAesGcm(key, iv, aad, sealed) {
    if (sealed.length < TAG_BYTES) return null;
    const tagAt = sealed.length - TAG_BYTES;
    const decipher = createDecipheriv('aes-256-gcm', createSecretKey(key), iv, { authTagLength: TAG_BYTES });
    decipher.setAAD(aad).setAuthTag(sealed.subarray(tagAt));
    try {
      return plain(Buffer.concat([decipher.update(sealed.subarray(0, tagAt)), decipher.final()]));
    } catch {
      return null;
    }
  },
  randomBytes: (size) => plain(randomBytes(size)),
};

const HMAC_BLOCK_BYTES = 64;

/** RFC 2104 from one-shot hashes: `createHmac` makes a key object for each call and takes four times as long. */
function hmacSha256(key: Uint8Array, message: Uint8Array): Uint8Array {
  const short = key.length > HMAC_BLOCK_BYTES ? hash('sha256', key, 'buffer') : key;
  const inner = new Uint8Array(HMAC_BLOCK_BYTES + message.length).fill(0x36, 0, HMAC_BLOCK_BYTES);
  const outer = new Uint8Array(HMAC_BLOCK_BYTES + 32).fill(0x5c, 0, HMAC_BLOCK_BYTES);
  for (let i = 0; i < short.length; i++) {
    inner[i] = (short[i] as number) ^ 0x36;
    outer[i] = (short[i] as number) ^ 0x5c;
  }
  inner.set(message, HMAC_BLOCK_BYTES);
  outer.set(hash('sha256', inner, 'buffer'), HMAC_BLOCK_BYTES);
  return plain(hash('sha256', outer, 'buffer'));
}

// A Buffer is not the Uint8Array that dag-cbor and deep comparison expect.
function plain(buffer: Buffer): Uint8Array {
  return new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.byteLength);
}
