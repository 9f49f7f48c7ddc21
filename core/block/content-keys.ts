import { concatBytes, equalBytes, u8, u64 } from '../bytes.ts';
import { ArgumentError, KeyError } from '../errors.ts';
import type { BlockIndex, ContentBatchKey, ContentCommitment, ContentKey, DatasetKey, Nonce, ReadKey } from '../ids.ts';
import { merkleTreeHash } from '../log/merkle.ts';
import type { Primitives } from '../ports/primitives.ts';

type Hasher = Pick<Primitives, 'sha256'>;
type Macs = Pick<Primitives, 'sha256' | 'hmacSha256'>;

export const NONCE_BYTES = 16;

/** What the record of a block says of its content key when it is not encrypted. */
export const PLAIN_COMMITMENT = new Uint8Array(32) as ContentCommitment;

/** HMAC(datasetKey, 02): decrypts every block of this device and opens no digest. */
export function readKey(primitives: Pick<Primitives, 'hmacSha256'>, datasetKey: DatasetKey): ReadKey {
  return primitives.hmacSha256(datasetKey, u8(0x02)) as ReadKey;
}

/**
 * nonce = first 16 bytes of HMAC(readKey, 23 ‖ random16 ‖ u64 first ‖ MTH(contents)). `random16` must have been stored
 * durably with the batch's blocks before, and another is drawn when they change; contents and place are in it so that even a
 * repeated one never encrypts two contents with one key.
 * @throws ArgumentError unless `random16` has 16 bytes
 */
export function batchNonce(
  primitives: Macs,
  key: ReadKey,
  random16: Uint8Array,
  first: BlockIndex,
  contents: readonly Uint8Array[],
): Nonce {
  requireSixteen(random16, 'random part of the nonce');
  const message = concatBytes(u8(0x23), random16, u64(first), merkleTreeHash(primitives, contents));
  return primitives.hmacSha256(key, message).slice(0, NONCE_BYTES) as Nonce;
}

/** contentBatchKey = HMAC(readKey, 20 ‖ nonce16). @throws ArgumentError unless the nonce has 16 bytes */
export function contentBatchKey(
  primitives: Pick<Primitives, 'hmacSha256'>,
  key: ReadKey,
  nonce: Nonce,
): ContentBatchKey {
  requireSixteen(nonce, 'nonce');
  return primitives.hmacSha256(key, concatBytes(u8(0x20), nonce)) as ContentBatchKey;
}

/**
 * contentKey = HMAC(contentBatchKey, 21 ‖ u64 index): used for one block, once.
 * @throws ArgumentError for an index that no block has
 */
export function contentKey(
  primitives: Pick<Primitives, 'hmacSha256'>,
  batchKey: ContentBatchKey,
  index: BlockIndex,
): ContentKey {
  return primitives.hmacSha256(batchKey, concatBytes(u8(0x21), u64(index))) as ContentKey;
}

/** contentCommitment = H(22 ‖ contentKey): a wrong content key is seen before it is paid for. */
export function commitContent(hasher: Hasher, key: ContentKey): ContentCommitment {
  return hasher.sha256(concatBytes(u8(0x22), key)) as ContentCommitment;
}

/** @throws KeyError unless the record commits to this content key */
export function requireContentKey(
  hasher: Hasher,
  commitment: ContentCommitment,
  key: ContentKey,
  index: BlockIndex,
): void {
  if (equalBytes(commitContent(hasher, key), commitment)) return;
  throw new KeyError(`The content key of block ${index} does not match its record.`);
}

function requireSixteen(bytes: Uint8Array, what: string): void {
  if (bytes.length === NONCE_BYTES) return;
  throw new ArgumentError(`The ${what} has ${bytes.length} bytes; it must have ${NONCE_BYTES}.`);
}
