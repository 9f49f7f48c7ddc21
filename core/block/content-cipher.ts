import { concatBytes, u64 } from '../bytes.ts';
import { ArgumentError, KeyError } from '../errors.ts';
import { type BlockId, type ContentKey, datasetBytes } from '../ids.ts';
import { MAX_CONTENT_BYTES } from '../limits.ts';
import type { Primitives } from '../ports/primitives.ts';

// A key is used for one block, once: a constant iv is as good as any.
const IV = new Uint8Array(12);

/**
 * Stored bytes of an encrypted block: AES-256-GCM, iv 12 zero bytes, aad dataset32 ‖ u64 index, with its 16-byte tag appended.
 * @throws ArgumentError unless the content has 1 … 1 MiB - 16 bytes
 */
export function encryptContent(
  primitives: Pick<Primitives, 'sealAesGcm'>,
  key: ContentKey,
  block: BlockId,
  content: Uint8Array,
): Uint8Array {
  requireContentSize(content.length);
  return primitives.sealAesGcm(key, IV, additionalData(block), content);
}

/** Content of an encrypted block. @throws KeyError when key, BlockId and bytes do not belong together */
export function decryptContent(
  primitives: Pick<Primitives, 'openAesGcm'>,
  key: ContentKey,
  block: BlockId,
  stored: Uint8Array,
): Uint8Array {
  const content = primitives.openAesGcm(key, IV, additionalData(block), stored);
  if (content === null) throw new KeyError(`The content key does not open block ${block.index}.`);
  return content;
}

/** @throws ArgumentError unless 1 … 1 MiB - 16 bytes, in every kind */
export function requireContentSize(sizeBytes: number): void {
  if (sizeBytes < 1 || sizeBytes > MAX_CONTENT_BYTES) {
    throw new ArgumentError(
      `Content of ${sizeBytes} bytes is not allowed; a block takes 1 to ${MAX_CONTENT_BYTES}. Split it into parts.`,
    );
  }
}

function additionalData(block: BlockId): Uint8Array {
  return concatBytes(datasetBytes(block.dataset), u64(block.index));
}
