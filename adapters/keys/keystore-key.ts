import { createDecipheriv } from 'node:crypto';
import { keccak256, Mnemonic } from 'ethers';
import * as z from 'zod';
import { concatBytes, equalBytes, fromHex } from '../../core/bytes.ts';
import { KeyError } from '../../core/errors.ts';
import type { PrivateKey } from '../../core/ids.ts';
import { inFile } from '../../core/parse-outside.ts';
import { deriveByScrypt } from './derive-by-scrypt.ts';
import { KEYSTORE_KEY_BYTES } from './holder/held-key.ts';
import type { KeystoreContent } from './open-keystore.ts';

const hexOf = (least: number, most = least) => z.string().regex(new RegExp(`^(?:[0-9a-fA-F]{2}){${least},${most}}$`));

/** A keystore as `createKeystore` writes it; more memory than 1 GiB is given to no file. */
const keystoreFile = z.object({
  version: z.literal(3),
  Crypto: z.object({
    cipher: z.literal('aes-128-ctr'),
    cipherparams: z.object({ iv: hexOf(16) }),
    ciphertext: hexOf(32),
    kdf: z.literal('scrypt'),
    kdfparams: z.object({
      salt: hexOf(16, 64),
      n: z
        .int()
        .min(2)
        .max(2 ** 20)
        .refine((n) => (n & (n - 1)) === 0),
      r: z.literal(8),
      p: z.literal(1),
      dklen: z.literal(32),
    }),
    mac: hexOf(32),
  }),
  'x-ethers': z
    .object({ version: z.literal('0.1'), mnemonicCounter: hexOf(16), mnemonicCiphertext: hexOf(16, 32) })
    .optional(),
});

/**
 * The key of a keystore, from its password.
 * @param json the text of the file at `where`
 * @throws FileError when it is no keystore of this program
 */
export async function deriveKeystoreKey(json: string, password: string, where: string): Promise<Uint8Array> {
  const { salt, n, r, p } = parseKeystore(json, where).Crypto.kdfparams;
  // Normalised as Web3 wallets take it.
  return deriveByScrypt(password.normalize('NFKC'), fromHex(salt, 'salt'), { n, r, p, bytes: KEYSTORE_KEY_BYTES });
}

/**
 * Opens the text of a keystore with its key.
 * @throws KeyError when the key is that of another keystore or password, FileError when it is no keystore of this program
 */
export function openWithKey(json: string, key: Uint8Array, where: string): KeystoreContent {
  const { Crypto: file, 'x-ethers': words } = parseKeystore(json, where);
  const ciphertext = fromHex(file.ciphertext, 'ciphertext');
  const mac = fromHex(keccak256(concatBytes(key.subarray(16, 32), ciphertext)), 'mac');
  if (key.length !== KEYSTORE_KEY_BYTES || !equalBytes(mac, fromHex(file.mac, 'mac'))) {
    throw new KeyError(`The key does not open the keystore ${where}.`);
  }
  const privateKey = decrypt('aes-128-ctr', key.subarray(0, 16), file.cipherparams.iv, ciphertext) as PrivateKey;
  if (words === undefined) return { privateKey, mnemonic: null };
  const sealed = fromHex(words.mnemonicCiphertext, 'mnemonic');
  const entropy = decrypt('aes-256-ctr', key.subarray(32), words.mnemonicCounter, sealed);
  return { privateKey, mnemonic: Mnemonic.fromEntropy(entropy).phrase };
}

function parseKeystore(json: string, where: string): z.infer<typeof keystoreFile> {
  return inFile(where, () => keystoreFile.parse(JSON.parse(json)), 'It is not a keystore that this program wrote.');
}

function decrypt(cipher: string, key: Uint8Array, iv: string, sealed: Uint8Array): Uint8Array {
  // In counter mode there is no padding, and `final` adds nothing.
  return new Uint8Array(createDecipheriv(cipher, key, fromHex(iv, 'iv')).update(sealed));
}
