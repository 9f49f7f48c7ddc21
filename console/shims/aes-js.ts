import { ctr } from '@noble/ciphers/aes.js';

/** AES in counter mode as ethers opens keystores with it: the cipher that is in the bundle anyway, instead of a second one. */
export class CTR {
  readonly #cipher: ReturnType<typeof ctr>;

  constructor(key: Uint8Array, initialCounter: Uint8Array) {
    this.#cipher = ctr(key, initialCounter);
  }

  encrypt(bytes: Uint8Array): Uint8Array {
    return this.#cipher.encrypt(bytes);
  }

  decrypt(bytes: Uint8Array): Uint8Array {
    return this.#cipher.decrypt(bytes);
  }
}

/** Ethers opens wallets of the crowdsale of 2014 with these two; no keystore of ours is one. */
export function CBC(): never {
  throw new Error('The console opens no wallet of the crowdsale.');
}

export function pkcs7Strip(): never {
  throw new Error('The console opens no wallet of the crowdsale.');
}
