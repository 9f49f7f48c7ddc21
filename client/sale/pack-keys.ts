import { type BatchContentKey, encodeKeyPayload, type KeyPayload } from '../../core/agreement/key-payload.ts';
import { MAX_MESSAGES } from '../../core/agreement/message.ts';
import { MAX_PLAINTEXT_BYTES } from '../../core/agreement/seal-message.ts';
import { counted } from '../../core/counted.ts';
import { ArgumentError } from '../../core/errors.ts';
import type { Primitives } from '../../core/ports/primitives.ts';
import type { GivenKeys } from './build-keys-of.ts';
import { countProofNodes, subsetProof } from './subset-proof.ts';

/** dag-cbor of 32 bytes. */
const HASH_BYTES = 34;
/** Version, lists and their lengths, and what stands before the proof. */
const FRAME_BYTES = 24;
/** List, first, count and key. */
const BATCH_BYTES = 1 + 9 + 3 + HASH_BYTES;
/** List, index, size, sha256, chunkRoot, metaHash and blockKey, the record of 96 bytes, and no content key. */
const BLOCK_BYTES = 1 + 9 + 5 + 4 * HASH_BYTES + 98 + 1;
/** For refusals, repeated requests and vouchers for a few blocks: a quarter of the mailbox. */
const SPARE_MESSAGES = MAX_MESSAGES / 4;

/**
 * So many blocks of a log of `size` fit into one message wherever they lie, each in a batch of its own: of n blocks, n
 * subtrees at the nearest level above them are as far apart as can be.
 */
export function sureBlocks(size: number): number {
  const depth = Math.ceil(Math.log2(Math.max(size, 2)));
  let most = 1;
  for (let blocks = 1; blocks <= size; blocks++) {
    const level = Math.ceil(Math.log2(blocks));
    const nodes = blocks * Math.max(0, depth - level) + 2 ** level - blocks;
    if (FRAME_BYTES + blocks * (BLOCK_BYTES + BATCH_BYTES) + 32 * nodes > MAX_PLAINTEXT_BYTES) break;
    most = blocks;
  }
  return most;
}

/** Most blocks of a log of `size` that an offer's delivery, samples included, can bring through one mailbox. */
export function maxDeliveredBlocks(size: number): number {
  return (MAX_MESSAGES - SPARE_MESSAGES) * sureBlocks(size);
}

/** @throws ArgumentError when the keys of all these blocks would not fit into the agreement's mailbox */
export function requireDeliverable(
  { count, samples }: { readonly count: number; readonly samples: number },
  size: number,
): void {
  if (count + samples <= maxDeliveredBlocks(size)) return;
  throw new ArgumentError(
    `Keys of ${counted(count, 'block')} and ${counted(samples, 'sample')} do not fit into one agreement's mailbox, which takes ` +
      `${MAX_MESSAGES} messages of about ${sureBlocks(size)} blocks each, so ${maxDeliveredBlocks(size)} in all. ` +
      'Split the range into several offers.',
  );
}

/** Cuts keys, ascending, into what fits into one message each. */
export function packKeys(size: number, given: readonly GivenKeys[]): GivenKeys[][] {
  const messages: GivenKeys[][] = [];
  let message: GivenKeys[] = [];
  for (const one of given) {
    if (message.length > 0 && bytesOf(size, [...message, one]) > MAX_PLAINTEXT_BYTES) {
      messages.push(message);
      message = [];
    }
    message.push(one);
  }
  if (message.length > 0) messages.push(message);
  return messages;
}

/**
 * One message's keys as they are sent, with the one proof that all their records are in the sold log of `size` blocks.
 * @throws ArgumentError when the keys do not fit one message
 */
export function encodeGiven(
  primitives: Pick<Primitives, 'sha256'>,
  size: number,
  message: readonly GivenKeys[],
): Uint8Array {
  const runs = [...new Set(message.map(({ held }) => held))].map(({ run }) => run);
  const positions = message.map(({ keys }) => keys.index);
  const payload: KeyPayload = {
    blocks: message.map(({ keys }) => keys),
    batches: batchesOf(message),
    proof: subsetProof(primitives, size, runs, positions),
  };
  return encodeKeyPayload(payload);
}

/** At most so long, encoded. */
function bytesOf(size: number, message: readonly GivenKeys[]): number {
  const nodes = countProofNodes(
    message.map(({ keys }) => keys.index),
    size,
  );
  const contentKeys = message.filter(({ keys }) => keys.contentKey !== null).length;
  return (
    FRAME_BYTES +
    message.length * BLOCK_BYTES +
    contentKeys * (HASH_BYTES - 1) +
    batchesOf(message).length * BATCH_BYTES +
    32 * nodes
  );
}

function batchesOf(message: readonly GivenKeys[]): BatchContentKey[] {
  const batches = new Map(message.flatMap(({ batch }) => (batch === null ? [] : [[batch.first, batch] as const])));
  return [...batches.values()];
}
