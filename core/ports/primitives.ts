export interface IncrementalSha256 {
  update(data: Uint8Array): void;
  /** 32 bytes; the hash cannot be used afterwards. */
  digest(): Uint8Array;
}

/** The cryptography the core is given: node:crypto in Node and Lambda, portable code elsewhere. */
export interface Primitives {
  sha256(data: Uint8Array): Uint8Array;
  createSha256(): IncrementalSha256;
  hmacSha256(key: Uint8Array, message: Uint8Array): Uint8Array;
  /** AES-256-GCM, 12-byte iv; ciphertext with its 16-byte tag appended. */
  sealAesGcm(key: Uint8Array, iv: Uint8Array, aad: Uint8Array, plaintext: Uint8Array): Uint8Array;
  /** The plaintext, or null when key, iv, aad or ciphertext do not belong together. */
  openAesGcm(key: Uint8Array, iv: Uint8Array, aad: Uint8Array, sealed: Uint8Array): Uint8Array | null;
  randomBytes(size: number): Uint8Array;
}
