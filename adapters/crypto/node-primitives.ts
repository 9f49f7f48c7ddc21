import { createCipheriv, createDecipheriv, createHash, createHmac, hash, randomBytes } from 'node:crypto';
import type { Primitives } from '../../core/ports/primitives.ts';

const TAG_BYTES = 16;

/** The core's cryptography on node:crypto. */
export const nodePrimitives: Primitives = {
  sha256: (data) => plain(hash('sha256', data, 'buffer')),
  createSha256() {
    const running = createHash('sha256');
    return {
      update: (data) => void running.update(data),
      digest: () => plain(running.digest()),
    };
  },
  hmacSha256: (key, message) => plain(createHmac('sha256', key).update(message).digest()),
  sealAesGcm(key, iv, aad, plaintext) {
    const cipher = createCipheriv('aes-256-gcm', key, iv).setAAD(aad);
    return plain(Buffer.concat([cipher.update(plaintext), cipher.final(), cipher.getAuthTag()]));
  },
  openAesGcm(key, iv, aad, sealed) {
    if (sealed.length < TAG_BYTES) return null;
    const tagAt = sealed.length - TAG_BYTES;
    const decipher = createDecipheriv('aes-256-gcm', key, iv, { authTagLength: TAG_BYTES });
    decipher.setAAD(aad).setAuthTag(sealed.subarray(tagAt));
    try {
      return plain(Buffer.concat([decipher.update(sealed.subarray(0, tagAt)), decipher.final()]));
    } catch {
      return null;
    }
  },
  randomBytes: (size) => plain(randomBytes(size)),
};

// A Buffer is not the Uint8Array that dag-cbor and deep comparison expect.
function plain(buffer: Buffer): Uint8Array {
  return new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.byteLength);
}
