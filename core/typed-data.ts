import { secp256k1 } from '@noble/curves/secp256k1.js';
import { keccak_256 } from '@noble/hashes/sha3.js';
import { concatBytes, fromHex, to0x, u8, u64, utf8 } from './bytes.ts';
import { ArgumentError, ProofError } from './errors.ts';
import { type Address, addressBytes, type PrivateKey } from './ids.ts';

/** EIP-712 domain of one of our contracts; all of them are at version 2. */
export interface TypedDataDomain {
  readonly name: string;
  readonly chainId: number;
  readonly verifyingContract: Address;
}

export const SIGNATURE_BYTES = 65;

const VERSION = '2';
const DOMAIN_TYPE = typeHash('EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)');

/** EIP-712 hash of a type's text. */
export function typeHash(type: string): Uint8Array {
  return keccak_256(utf8(type));
}

/**
 * EIP-712 hash of a struct whose members are words: what an account signs and a contract recovers from.
 * @throws ArgumentError for a contract that is no hex
 */
export function typedDataHash(domain: TypedDataDomain, type: Uint8Array, members: readonly Uint8Array[]): Uint8Array {
  const separator = keccak_256(
    concatBytes(
      DOMAIN_TYPE,
      keccak_256(utf8(domain.name)),
      keccak_256(utf8(VERSION)),
      word(u64(domain.chainId)),
      addressWord(domain.verifyingContract),
    ),
  );
  return keccak_256(concatBytes(u8(0x19), u8(0x01), separator, keccak_256(concatBytes(type, ...members))));
}

/** EIP-191 hash of a message of bytes: what an account signs that signs no struct. */
export function eip191Hash(message: Uint8Array): Uint8Array {
  return keccak_256(concatBytes(utf8(`\x19Ethereum Signed Message:\n${message.length}`), message));
}

/** r ‖ s ‖ v, 65 bytes, low s, v 27 or 28, deterministic (RFC 6979). */
export function signHash(hash: Uint8Array, key: PrivateKey): Uint8Array {
  const signed = secp256k1.sign(hash, key, { prehash: false, format: 'recovered' });
  return concatBytes(signed.subarray(1), u8(27 + (signed[0] as number)));
}

/**
 * The account that signed a hash; `what` names the signature in errors.
 * @throws ProofError when the signature is malformed, has a high s (a second spelling) or a v other than 27 and 28
 */
export function recoverSigner(hash: Uint8Array, signature: Uint8Array, what: string): Address {
  const v = signature[64];
  if (signature.length !== SIGNATURE_BYTES || (v !== 27 && v !== 28)) {
    throw new ProofError(
      `A ${what} has 65 bytes and ends in 27 or 28; this one has ${signature.length} and ends in ${signature.at(-1) ?? 'nothing'}.`,
    );
  }
  try {
    const signed = secp256k1.Signature.fromBytes(concatBytes(u8(v - 27), signature.subarray(0, 64)), 'recovered');
    if (signed.hasHighS()) throw new ProofError('Its s value is in the upper half of its range.');
    // The point itself: from its compressed bytes it would have to be computed once more.
    return accountOf(signed.recoverPublicKey(hash).toBytes(false));
  } catch (cause) {
    throw new ProofError(`The ${what} does not lead to an account.`, { cause });
  }
}

/** The account of a private key. */
export function accountOfKey(key: PrivateKey): Address {
  return accountOf(secp256k1.getPublicKey(key, false));
}

/** Whether 32 bytes are a private key of secp256k1: from 1 to the curve's order less 1. */
export function isPrivateKey(bytes: Uint8Array): bytes is PrivateKey {
  return secp256k1.utils.isValidSecretKey(bytes);
}

/** Bytes on the right of a 32-byte word, as the ABI writes numbers and addresses. */
export function word(bytes: Uint8Array): Uint8Array {
  const padded = new Uint8Array(32);
  padded.set(bytes, 32 - bytes.length);
  return padded;
}

/** @throws ArgumentError for an account that is no hex */
export function addressWord(address: Address): Uint8Array {
  return word(addressBytes(address));
}

/** An unsigned integer of so many bits as a word. @throws ArgumentError when it does not fit */
export function uintWord(value: bigint, bits: number): Uint8Array {
  if (value < 0n || value >> BigInt(bits) !== 0n) {
    throw new ArgumentError(`${value} does not fit an unsigned ${bits}-bit integer.`);
  }
  return fromHex(value.toString(16).padStart(64, '0'));
}

function accountOf(uncompressed: Uint8Array): Address {
  return to0x(keccak_256(uncompressed.subarray(1)).subarray(12)) as Address;
}
