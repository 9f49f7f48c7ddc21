import { secp256k1 } from '@noble/curves/secp256k1.js';
import { keccak_256 } from '@noble/hashes/sha3.js';
import { concatBytes, fromHex, to0x, u8, u32, u64, utf8 } from '../bytes.ts';
import { ProofError } from '../errors.ts';
import { type Address, type DatasetId, datasetBytes, type LogRoot, type PrivateKey } from '../ids.ts';

/** The state of a dataset's log after some batch. */
export interface Head {
  readonly dataset: DatasetId;
  /** Blocks. */
  readonly size: number;
  readonly batches: number;
  readonly root: LogRoot;
}

/** The contract a head signature is made for. */
export interface HeadDomain {
  readonly chainId: number;
  readonly dissc: Address;
}

export const SIGNATURE_BYTES = 65;

const DOMAIN_TYPE = keccak_256(
  utf8('EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)'),
);
const HEAD_TYPE = keccak_256(utf8('Head(bytes32 dataset,uint64 size,uint32 batches,bytes32 root)'));

/** EIP-712 hash of a head: what the device's account signs and DISSC recovers from. */
export function headHash(domain: HeadDomain, head: Head): Uint8Array {
  const separator = keccak_256(
    concatBytes(
      DOMAIN_TYPE,
      keccak_256(utf8('Plumbline DISSC')),
      keccak_256(utf8('1')),
      word(u64(domain.chainId)),
      word(fromHex(domain.dissc, 'DISSC address', 20)),
    ),
  );
  const struct = keccak_256(
    concatBytes(HEAD_TYPE, datasetBytes(head.dataset), word(u64(head.size)), word(u32(head.batches)), head.root),
  );
  return keccak_256(concatBytes(u8(0x19), u8(0x01), separator, struct));
}

/** r ‖ s ‖ v, 65 bytes, low s, v 27 or 28, deterministic (RFC 6979). */
export function signHead(domain: HeadDomain, head: Head, key: PrivateKey): Uint8Array {
  const signed = secp256k1.sign(headHash(domain, head), key, { prehash: false, format: 'recovered' });
  return concatBytes(signed.subarray(1), u8(27 + (signed[0] as number)));
}

/**
 * The account that signed a head.
 * @throws ProofError when the signature is malformed, has a high s (a second spelling) or a v other than 27 and 28
 */
export function recoverHeadSigner(domain: HeadDomain, head: Head, signature: Uint8Array): Address {
  const v = signature[64];
  if (signature.length !== SIGNATURE_BYTES || (v !== 27 && v !== 28)) {
    throw new ProofError(`A head signature has 65 bytes and ends in 27 or 28; this one has ${signature.length}.`);
  }
  try {
    const compact = concatBytes(u8(v - 27), signature.subarray(0, 64));
    if (secp256k1.Signature.fromBytes(compact, 'recovered').hasHighS()) throw new ProofError('Its s is high.');
    const compressed = secp256k1.recoverPublicKey(compact, headHash(domain, head), { prehash: false });
    return accountOf(secp256k1.Point.fromBytes(compressed).toBytes(false));
  } catch (cause) {
    throw new ProofError('The head signature recovers to no account.', { cause });
  }
}

/** The account of a private key. */
export function accountOfKey(key: PrivateKey): Address {
  return accountOf(secp256k1.getPublicKey(key, false));
}

function accountOf(uncompressed: Uint8Array): Address {
  return to0x(keccak_256(uncompressed.subarray(1)).subarray(12)) as Address;
}

function word(bytes: Uint8Array): Uint8Array {
  const padded = new Uint8Array(32);
  padded.set(bytes, 32 - bytes.length);
  return padded;
}
