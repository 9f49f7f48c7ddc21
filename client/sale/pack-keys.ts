import type { BatchKeys, BlockKeys } from '../../core/agreement/key-payload.ts';
import { MAX_MESSAGES } from '../../core/agreement/message.ts';
import { MAX_PLAINTEXT_BYTES } from '../../core/agreement/seal-message.ts';
import { ArgumentError } from '../../core/errors.ts';

/** dag-cbor of 32 bytes. */
const HASH_BYTES = 34;
/** Version, lists and their lengths. */
const FRAME_BYTES = 16;
/** Position, first, count, four hashes and the list's length. */
const BATCH_BYTES = 1 + 5 + 9 + 3 + 4 * HASH_BYTES + 3;
/** Index, size, seven hashes, and what stands before the path. */
const BLOCK_BYTES = 1 + 9 + 5 + 7 * HASH_BYTES + 3;
/** Of a batch of 1,024, the longest path: ten steps. */
const MAX_BLOCK_KEY_BYTES = BLOCK_BYTES + 10 * 32;

/** So many blocks fit into one message, whatever their batches are like, when none has fewer than eight of them. */
export const SURE_BLOCKS = Math.floor((MAX_PLAINTEXT_BYTES - FRAME_BYTES) / (MAX_BLOCK_KEY_BYTES + BATCH_BYTES / 8));
/** For refusals, repeated requests and vouchers for a few blocks: a quarter of the mailbox. */
const SPARE_MESSAGES = MAX_MESSAGES / 4;

/** Most blocks that an offer's delivery, samples included, can bring through one mailbox. */
export const MAX_DELIVERED_BLOCKS = (MAX_MESSAGES - SPARE_MESSAGES) * SURE_BLOCKS;

/** @throws ArgumentError when the keys of all these blocks would not fit into the agreement's mailbox */
export function requireDeliverable({ count, samples }: { readonly count: number; readonly samples: number }): void {
  if (count + samples <= MAX_DELIVERED_BLOCKS) return;
  throw new ArgumentError(
    `Keys of ${count} blocks and ${samples} samples do not fit into the mailbox of one agreement: it takes ` +
      `${MAX_MESSAGES} messages of about ${SURE_BLOCKS} blocks each, so ${MAX_DELIVERED_BLOCKS} in all. ` +
      'Cut the range into several offers.',
  );
}

/** Cuts keys into what fits into one message each, in their order. */
export function packKeys(batches: readonly BatchKeys[]): BatchKeys[][] {
  const messages: BatchKeys[][] = [];
  let message: BatchKeys[] = [];
  let room = MAX_PLAINTEXT_BYTES - FRAME_BYTES;
  for (const batch of batches) {
    let blocks: BlockKeys[] = [];
    const close = (): void => {
      if (blocks.length > 0) message.push({ ...batch, blocks });
      blocks = [];
    };
    for (const block of batch.blocks) {
      const wanted = BLOCK_BYTES + 32 * block.path.length;
      const all = wanted + (blocks.length === 0 ? BATCH_BYTES : 0);
      if (all > room) {
        close();
        messages.push(message);
        message = [];
        room = MAX_PLAINTEXT_BYTES - FRAME_BYTES - BATCH_BYTES;
      } else {
        room -= all - wanted;
      }
      blocks.push(block);
      room -= wanted;
    }
    close();
  }
  if (message.length > 0) messages.push(message);
  return messages;
}
