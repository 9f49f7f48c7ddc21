import { decryptKeystoreJson, Mnemonic } from 'ethers';
import { fromHex } from '../../core/bytes.ts';
import { FileError, KeyError } from '../../core/errors.ts';
import type { PrivateKey } from '../../core/ids.ts';

/** What a keystore file keeps: an account, and the mnemonic it comes from where there is one. */
export interface KeystoreContent {
  readonly privateKey: PrivateKey;
  readonly mnemonic: string | null;
}

/**
 * Opens the text of a keystore file, in Node and in a browser.
 * @param where the file, for errors
 * @throws KeyError when the password is wrong, FileError when it is no keystore
 */
export async function openKeystore(json: string, password: string, where: string): Promise<KeystoreContent> {
  try {
    const account = await decryptKeystoreJson(json, password);
    return {
      privateKey: fromHex(account.privateKey, 'private key', 32) as PrivateKey,
      mnemonic: account.mnemonic === undefined ? null : Mnemonic.fromEntropy(account.mnemonic.entropy).phrase,
    };
  } catch (cause) {
    if (cause instanceof Error && /incorrect password/.test(cause.message)) {
      throw new KeyError(`The password does not open the keystore ${where}.`);
    }
    throw new FileError(`${where} is not a keystore that this program wrote.`);
  }
}
