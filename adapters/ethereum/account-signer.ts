import { secp256k1 } from '@noble/curves/secp256k1.js';
import type { Address, PrivateKey } from '../../core/ids.ts';
import { accountOfKey } from '../../core/typed-data.ts';

/** Signs for one account without showing its key: a key in memory, or one that never leaves a KMS. */
export interface AccountSigner {
  readonly account: Address;
  /** Signature of a 32-byte hash: r, s (low) and the parity of R's y. */
  signHash(hash: Uint8Array, signal?: AbortSignal): Promise<{ r: Uint8Array; s: Uint8Array; yParity: 0 | 1 }>;
}

export function createKeySigner(key: PrivateKey): AccountSigner {
  return {
    account: accountOfKey(key),
    async signHash(hash) {
      const signed = secp256k1.sign(hash, key, { prehash: false, format: 'recovered' });
      return { r: signed.slice(1, 33), s: signed.slice(33), yParity: signed[0] === 1 ? 1 : 0 };
    },
  };
}
