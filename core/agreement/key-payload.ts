import * as dagCbor from '@ipld/dag-cbor';
import * as z from 'zod';
import type { Opening } from '../block/digest.ts';
import { concatBytes, equalBytes } from '../bytes.ts';
import { ArgumentError } from '../errors.ts';
import type { BlockIndex, BlockKey, ContentBatchKey, ContentKey } from '../ids.ts';
import { MAX_BATCH_BLOCKS, MAX_BLOCK_BYTES, MAX_LOG_BLOCKS, RECORD_BYTES } from '../limits.ts';
import { type BlockRecord, parseRecord, recordBytes } from '../log/record.ts';

/** What the owner hands over for one block (specification#messages). */
export interface BlockKeys {
  readonly index: BlockIndex;
  readonly opening: Opening;
  readonly blockKey: BlockKey;
  readonly record: BlockRecord;
  /** Null when the dataset is not encrypted, the block is not paid for, or the key of its batch is given. */
  readonly contentKey: ContentKey | null;
}

/** The content key of a batch that is paid for whole: those of its blocks follow from it. */
export interface BatchContentKey {
  readonly first: BlockIndex;
  readonly count: number;
  readonly key: ContentBatchKey;
}

/** Keys of some blocks, with one proof that their records lead to the agreement's head. */
export interface KeyPayload {
  readonly blocks: readonly BlockKeys[];
  readonly batches: readonly BatchContentKey[];
  /** A multiproof (core/log/multiproof.ts) of all blocks named, in the log that was sold. */
  readonly proof: readonly Uint8Array[];
}

/** What fits into one message of 64 KiB with its encapsulated key and tag (agreement/seal-message.ts). */
export const MAX_PAYLOAD_BYTES = 65_536 - 32 - 16;

const VERSION = 2;

const bytes = (length: number) =>
  z.custom<Uint8Array>((value) => value instanceof Uint8Array && value.length === length);
const hash = bytes(32);
const index = z
  .int()
  .min(0)
  .max(MAX_LOG_BLOCKS - 1);
const block = z
  .tuple([index, z.int().min(1).max(MAX_BLOCK_BYTES), hash, hash, hash, hash, bytes(RECORD_BYTES), hash.nullable()])
  .transform(
    ([at, size, sha256, chunkRoot, metaHash, blockKey, record, contentKey]) =>
      ({
        index: at,
        opening: { size, sha256, chunkRoot, metaHash },
        blockKey,
        record: parseRecord(record),
        contentKey,
      }) as unknown as BlockKeys,
  );
const batch = z
  .tuple([index, z.int().min(1).max(MAX_BATCH_BLOCKS), hash])
  .transform(([first, count, key]) => ({ first, count, key }) as unknown as BatchContentKey);
const proof = z
  .custom<Uint8Array>((value) => value instanceof Uint8Array && value.length % 32 === 0)
  .transform((all) => Array.from({ length: all.length / 32 }, (_, i) => all.subarray(32 * i, 32 * (i + 1))));
const payload = z.tuple([z.literal(VERSION), z.array(block).min(1), z.array(batch), proof]);

/**
 * Canonical dag-cbor of keys, lists without field names: `[2, [[index, size, sha256, chunkRoot, metaHash, blockKey, record,
 * contentKey or null] …], [[first, count, contentBatchKey] …], proof]`, the proof as one byte string.
 * @throws ArgumentError when a reader would refuse it, or it is too long for one message
 */
export function encodeKeyPayload({ blocks, batches, proof: nodes }: KeyPayload): Uint8Array {
  const encoded = dagCbor.encode([
    VERSION,
    blocks.map(({ index: at, opening, blockKey, record, contentKey }) => [
      at,
      opening.size,
      opening.sha256,
      opening.chunkRoot,
      opening.metaHash,
      blockKey,
      recordBytes(record),
      contentKey,
    ]),
    batches.map(({ first, count, key }) => [first, count, key]),
    concatBytes(...nodes),
  ]);
  decodeKeyPayload(encoded);
  return encoded;
}

/**
 * Reads keys strictly: bounded, canonical, every block named once. That keys, records and log agree is not known from this.
 * @throws ArgumentError naming what is wrong, never a key
 */
export function decodeKeyPayload(encoded: Uint8Array): KeyPayload {
  if (encoded.length > MAX_PAYLOAD_BYTES) {
    throw new ArgumentError(
      `Keys of ${encoded.length} bytes do not fit into a message of at most ${MAX_PAYLOAD_BYTES} bytes.`,
    );
  }
  let value: unknown;
  let again: Uint8Array;
  try {
    value = dagCbor.decode(encoded);
    again = dagCbor.encode(value);
  } catch (cause) {
    throw new ArgumentError('The keys are not dag-cbor.', { cause });
  }
  if (!equalBytes(again, encoded)) throw new ArgumentError('The keys are not canonical dag-cbor.');
  const parsed = payload.safeParse(value);
  if (!parsed.success) {
    throw new ArgumentError(`The keys are malformed at ${parsed.error.issues[0]?.path.join('.') || 'their top'}.`);
  }
  const [, blocks, batches, nodes] = parsed.data;
  if (new Set(blocks.map((one) => one.index)).size !== blocks.length) {
    throw new ArgumentError('The keys name a block twice.');
  }
  if (new Set(batches.map((one) => one.first)).size !== batches.length) {
    throw new ArgumentError('The keys name a batch twice.');
  }
  return { blocks, batches, proof: nodes };
}
