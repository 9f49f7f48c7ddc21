import { createHash, createHmac, createSecretKey, type Hash, type Hmac } from 'node:crypto';

/**
 * SHA-256, or HMAC with it under a secret, as the AWS SDK wants it of a client's `sha256`. The SDK's own gives Node the secret
 * as bytes, and Node 24 takes 25 µs to find out what kind of key they are, twice for every request that is signed.
 */
export class KeyedSha256 {
  readonly #begin: () => Hash | Hmac;
  #running: Hash | Hmac;

  constructor(secret?: string | ArrayBuffer | ArrayBufferView) {
    if (secret === undefined) {
      this.#begin = () => createHash('sha256');
    } else {
      const key = typeof secret === 'string' ? createSecretKey(secret, 'utf8') : createSecretKey(bytesOf(secret));
      this.#begin = () => createHmac('sha256', key);
    }
    this.#running = this.#begin();
  }

  update(data: Uint8Array): void {
    this.#running.update(data);
  }

  /** Ends it: what comes next begins with `reset`. */
  async digest(): Promise<Uint8Array> {
    return new Uint8Array(this.#running.digest());
  }

  reset(): void {
    this.#running = this.#begin();
  }
}

function bytesOf(data: ArrayBuffer | ArrayBufferView): Uint8Array {
  return data instanceof ArrayBuffer
    ? new Uint8Array(data)
    : new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
}
