import { Sha256 } from '@aws-crypto/sha256-js';
import { gcm } from '@noble/ciphers/aes.js';
import type { Primitives } from '../../core/ports/primitives.ts';

/** The core's cryptography where node:crypto is missing: a browser, an edge runtime. */
export const portablePrimitives: Primitives = {
  sha256(data) {
    const running = new Sha256();
    running.update(data);
    return running.digestSync();
  },
  createSha256() {
    const running = new Sha256();
    return {
      update: (data) => running.update(data),
      digest: () => running.digestSync(),
    };
  },
  hmacSha256(key, message) {
    const running = new Sha256(key);
    running.update(message);
    return running.digestSync();
  },
  sealAesGcm: (key, iv, aad, plaintext) => gcm(key, iv, aad).encrypt(plaintext),
  openAesGcm(key, iv, aad, sealed) {
    try {
      return gcm(key, iv, aad).decrypt(sealed);
    } catch {
      return null;
    }
  },
  randomBytes: (size) => crypto.getRandomValues(new Uint8Array(size)),
};
