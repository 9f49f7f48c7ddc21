import { HDNodeWallet, hashMessage, Mnemonic, SigningKey } from 'ethers';
import { fromHex, to0x } from '../../core/bytes.ts';
import { ArgumentError } from '../../core/errors.ts';
import type { PrivateKey } from '../../core/ids.ts';

/** A new BIP-39 mnemonic of 24 words, 256 bits of randomness. */
export function createMnemonic(): string {
  return Mnemonic.fromEntropy(crypto.getRandomValues(new Uint8Array(32))).phrase;
}

/** A mnemonic as a person typed it. @throws ArgumentError, without repeating any of it */
export function parseMnemonic(text: string): string {
  const words = text.trim().toLowerCase().split(/\s+/);
  try {
    return Mnemonic.fromPhrase(words.join(' ')).phrase;
  } catch {
    throw new ArgumentError(
      `These ${words.length} words are not a BIP-39 mnemonic, because a word is unknown or the check word does not match.`,
    );
  }
}

/** The 64-byte BIP-39 seed, without passphrase: dataset keys are derived from it. */
export function mnemonicSeed(mnemonic: string): Uint8Array {
  return fromHex(Mnemonic.fromPhrase(mnemonic).computeSeed(), 'seed', 64);
}

/** Key of the owner's account, m/44'/60'/0'/0/0. */
export function ownerKey(mnemonic: string): PrivateKey {
  const node = HDNodeWallet.fromPhrase(mnemonic, '', "m/44'/60'/0'/0/0");
  return fromHex(node.privateKey, 'private key', 32) as PrivateKey;
}

/** EIP-191 signature of a message, as signed requests carry it. */
export async function signMessage(key: PrivateKey, message: Uint8Array): Promise<string> {
  // No wallet: each would first compute its address, which takes longer than to sign.
  return new SigningKey(to0x(key)).sign(hashMessage(message)).serialized;
}
