import { concatBytes, equalBytes, u8, u32, u64, xorBytes } from '../bytes.ts';
import { KeyError } from '../errors.ts';
import type { BlockIndex, BlockKey, Commitment, DatasetKey, Digest, Salt, SealedDigest } from '../ids.ts';
import { merkleTreeHash } from '../log/merkle.ts';
import type { Primitives } from '../ports/primitives.ts';

/**
 * salt = HMAC(datasetKey, 10 ‖ u64 first ‖ u32 count ‖ MTH(digests)). It depends on the content, so that a device
 * restored from a copy never pads two digests with one key.
 */
export function batchSalt(
  primitives: Primitives,
  datasetKey: DatasetKey,
  first: BlockIndex,
  digests: readonly Digest[],
): Salt {
  const message = concatBytes(u8(0x10), u64(first), u32(digests.length), merkleTreeHash(primitives, digests));
  return primitives.hmacSha256(datasetKey, message) as Salt;
}

/** Derives the keys of the blocks of one batch: HMAC(HMAC(datasetKey, 11 ‖ salt), 12 ‖ u64 index). */
export function blockKeys(primitives: Primitives, datasetKey: DatasetKey, salt: Salt): (index: BlockIndex) => BlockKey {
  const batchKey = primitives.hmacSha256(datasetKey, concatBytes(u8(0x11), salt));
  return (index) => primitives.hmacSha256(batchKey, concatBytes(u8(0x12), u64(index))) as BlockKey;
}

/** Encrypted[Hash(DataBlock)]: digest XOR H(13 ‖ blockKey). */
export function sealDigest(hasher: Pick<Primitives, 'sha256'>, digest: Digest, key: BlockKey): SealedDigest {
  return xorBytes(digest, pad(hasher, key)) as SealedDigest;
}

/** H(14 ‖ blockKey): makes sealing binding, so that a wrong key is seen. */
export function commitKey(hasher: Pick<Primitives, 'sha256'>, key: BlockKey): Commitment {
  return hasher.sha256(concatBytes(u8(0x14), key)) as Commitment;
}

/** Opens a sealed digest. @throws KeyError when the key is not the committed one */
export function openDigest(
  hasher: Pick<Primitives, 'sha256'>,
  sealed: SealedDigest,
  commitment: Commitment,
  key: BlockKey,
): Digest {
  if (!equalBytes(commitKey(hasher, key), commitment)) {
    throw new KeyError('The key does not open this digest: its commitment differs from the recorded one.');
  }
  return xorBytes(sealed, pad(hasher, key)) as Digest;
}

function pad(hasher: Pick<Primitives, 'sha256'>, key: BlockKey): Uint8Array {
  return hasher.sha256(concatBytes(u8(0x13), key));
}
