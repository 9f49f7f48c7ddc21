import { concatBytes, isZero, u8, u64 } from '../bytes.ts';
import { ArgumentError, KeyError } from '../errors.ts';
import {
  type BlockId,
  type BlockIndex,
  type ContentBatchKey,
  type ContentCommitment,
  type ContentKey,
  type DatasetKey,
  datasetBytes,
} from '../ids.ts';
import { MAX_CONTENT_BYTES } from '../limits.ts';
import type { Primitives } from '../ports/primitives.ts';

// A key is used for one block, once: a constant iv is as good as any.
const IV = new Uint8Array(12);

export const NONCE_BYTES = 16;

/** What a plain dataset writes where an encrypted one commits to its content key. */
export const PLAIN_COMMITMENT = new Uint8Array(32) as ContentCommitment;

/** contentBatchKey = HMAC(datasetKey, 20 ‖ nonce16). */
export function contentBatchKey(primitives: Primitives, datasetKey: DatasetKey, nonce: Uint8Array): ContentBatchKey {
  if (nonce.length !== NONCE_BYTES) {
    throw new ArgumentError(`The nonce has ${nonce.length} bytes; it must have ${NONCE_BYTES}.`);
  }
  return primitives.hmacSha256(datasetKey, concatBytes(u8(0x20), nonce)) as ContentBatchKey;
}

/** contentKey = HMAC(contentBatchKey, 21 ‖ u64 index). */
export function contentKey(primitives: Primitives, batchKey: ContentBatchKey, index: BlockIndex): ContentKey {
  return primitives.hmacSha256(batchKey, concatBytes(u8(0x21), u64(index))) as ContentKey;
}

/** contentCommitment = H(22 ‖ contentBatchKey). */
export function commitContent(hasher: Pick<Primitives, 'sha256'>, batchKey: ContentBatchKey): ContentCommitment {
  return hasher.sha256(concatBytes(u8(0x22), batchKey)) as ContentCommitment;
}

export function isPlain(commitment: ContentCommitment): boolean {
  return isZero(commitment);
}

/** Stored bytes of an encrypted block: the ciphertext with its tag appended. */
export function encryptContent(
  primitives: Primitives,
  key: ContentKey,
  block: BlockId,
  content: Uint8Array,
): Uint8Array {
  requireContentSize(content);
  return primitives.sealAesGcm(key, IV, additionalData(block), content);
}

/** Content of an encrypted block. @throws KeyError when key, BlockId and bytes do not belong together */
export function decryptContent(
  primitives: Primitives,
  key: ContentKey,
  block: BlockId,
  stored: Uint8Array,
): Uint8Array {
  const content = primitives.openAesGcm(key, IV, additionalData(block), stored);
  if (content === null) throw new KeyError(`The content key does not open block ${block.index}.`);
  return content;
}

/** @throws ArgumentError unless 1 … 1 MiB - 16 bytes, for plain datasets too */
export function requireContentSize(content: Uint8Array): void {
  if (content.length < 1 || content.length > MAX_CONTENT_BYTES) {
    throw new ArgumentError(
      `Content of ${content.length} bytes is not allowed; a block takes 1 to ${MAX_CONTENT_BYTES}. Cut it into parts.`,
    );
  }
}

function additionalData(block: BlockId): Uint8Array {
  return concatBytes(datasetBytes(block.dataset), u64(block.index));
}
