import { concatBytes, equalBytes, u8, u32, u64, xorBytes } from '../bytes.ts';
import { KeyError } from '../errors.ts';
import type { AuditKey, BlockIndex, BlockKey, Commitment, DatasetKey, Digest, Salt, SealedDigest } from '../ids.ts';
import { merkleTreeHash } from '../log/merkle.ts';
import type { Primitives } from '../ports/primitives.ts';

type Hasher = Pick<Primitives, 'sha256'>;
type Macs = Pick<Primitives, 'sha256' | 'hmacSha256'>;

/** HMAC(datasetKey, 01): an auditor gets it, opens every digest of this device and sees no content. */
export function auditKey(primitives: Pick<Primitives, 'hmacSha256'>, datasetKey: DatasetKey): AuditKey {
  return primitives.hmacSha256(datasetKey, u8(0x01)) as AuditKey;
}

/**
 * salt = HMAC(auditKey, 10 ‖ u64 first ‖ u32 count ‖ MTH(digests)). It depends on the content, so that a device restored
 * from a copy never pads two digests with one key.
 * @throws ArgumentError for a first index or a count that no batch has
 */
export function batchSalt(primitives: Macs, key: AuditKey, first: BlockIndex, digests: readonly Digest[]): Salt {
  const message = concatBytes(u8(0x10), u64(first), u32(digests.length), merkleTreeHash(primitives, digests));
  return primitives.hmacSha256(key, message) as Salt;
}

/** Derives the keys of the blocks of one batch: HMAC(HMAC(auditKey, 11 ‖ salt), 12 ‖ u64 index). */
export function blockKeys(
  primitives: Pick<Primitives, 'hmacSha256'>,
  key: AuditKey,
  salt: Salt,
): (index: BlockIndex) => BlockKey {
  const batchKey = primitives.hmacSha256(key, concatBytes(u8(0x11), salt));
  return (index) => primitives.hmacSha256(batchKey, concatBytes(u8(0x12), u64(index))) as BlockKey;
}

/**
 * Encrypted[Hash(DataBlock)]: digest XOR H(13 ‖ blockKey).
 * @throws ArgumentError unless digest and key have 32 bytes
 */
export function sealDigest(hasher: Hasher, digest: Digest, key: BlockKey): SealedDigest {
  return xorBytes(digest, pad(hasher, key)) as SealedDigest;
}

/** H(14 ‖ blockKey): makes sealing binding, so that a wrong key is seen. */
export function commitKey(hasher: Hasher, key: BlockKey): Commitment {
  return hasher.sha256(concatBytes(u8(0x14), key)) as Commitment;
}

/** Opens a sealed digest. @throws KeyError when the key is not the committed one */
export function openDigest(hasher: Hasher, sealed: SealedDigest, commitment: Commitment, key: BlockKey): Digest {
  if (!equalBytes(commitKey(hasher, key), commitment)) {
    throw new KeyError('The key does not open this digest, because its commitment differs from the recorded one.');
  }
  return xorBytes(sealed, pad(hasher, key)) as Digest;
}

function pad(hasher: Hasher, key: BlockKey): Uint8Array {
  return hasher.sha256(concatBytes(u8(0x13), key));
}
