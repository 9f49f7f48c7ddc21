import { encryptKeystoreJson, Mnemonic, scrypt } from 'ethers';
import { fromHex, to0x } from '../../core/bytes.ts';
import { accountOfKey } from '../../core/typed-data.ts';
import { deriveByScrypt } from './derive-by-scrypt.ts';
import { type KeystoreContent, openKeystore } from './open-keystore.ts';
import { createSecretFile, readSecretFile } from './secret-file.ts';

/** scrypt's N against a password that a person chose: about 0.4 s and 128 MiB a try. */
export const SCRYPT_N = 2 ** 17;
/** scrypt's N for a password of 256 random bits, which nobody can guess anyway. */
export const SCRYPT_N_RANDOM_PASSWORD = 2 ** 12;

// node:crypto's scrypt runs off the main thread and several times faster than the library's own.
scrypt.register(scryptByNode);

/** Writes a new Web3 Secret Storage file, mode 0600. @throws FileError when the file exists */
export async function createKeystore(
  path: string,
  content: KeystoreContent,
  password: string,
  scryptN: number = SCRYPT_N,
): Promise<void> {
  const { privateKey, mnemonic } = content;
  const account = { address: accountOfKey(privateKey), privateKey: to0x(privateKey) };
  const json = await encryptKeystoreJson(
    mnemonic === null
      ? account
      : {
          ...account,
          mnemonic: { path: "m/44'/60'/0'/0/0", locale: 'en', entropy: Mnemonic.fromPhrase(mnemonic).entropy },
        },
    password,
    { scrypt: { N: scryptN, r: 8, p: 1 } },
  );
  await createSecretFile(path, `${json}\n`);
}

/** @throws KeyError when the password is wrong, FileError when the file is missing, readable by others or no keystore */
export async function readKeystore(path: string, password: string): Promise<KeystoreContent> {
  return openKeystore(await readSecretFile(path), password, path);
}

/** What the library's keystores are encrypted with: scrypt as the library asks for it. */
export async function scryptByNode(
  password: string | Uint8Array,
  salt: string | Uint8Array,
  N: number,
  r: number,
  p: number,
  length: number,
  progress?: (share: number) => void,
): Promise<string> {
  const derived = await deriveByScrypt(toBytes(password), toBytes(salt), { n: N, r, p, bytes: length });
  progress?.(1);
  return to0x(derived);
}

function toBytes(value: string | Uint8Array): Uint8Array {
  return typeof value === 'string' ? fromHex(value, 'scrypt input') : value;
}
