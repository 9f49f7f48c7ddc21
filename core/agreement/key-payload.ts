import * as dagCbor from '@ipld/dag-cbor';
import * as z from 'zod';
import { isPlain } from '../block/content-cipher.ts';
import type { Opening } from '../block/digest.ts';
import { concatBytes, equalBytes } from '../bytes.ts';
import { ArgumentError } from '../errors.ts';
import type {
  BlockIndex,
  BlockKey,
  Commitment,
  ContentBatchKey,
  ContentCommitment,
  ContentKey,
  Salt,
  SealedDigest,
  SealedHash,
} from '../ids.ts';
import { MAX_BATCH_BLOCKS, MAX_BLOCK_BYTES } from '../limits.ts';
import { MAX_PLAINTEXT_BYTES } from './seal-message.ts';

/** What the owner hands over for one block (design §9). */
export interface BlockKeys {
  readonly index: BlockIndex;
  readonly opening: Opening;
  readonly blockKey: BlockKey;
  readonly sealed: SealedDigest;
  readonly commitment: Commitment;
  /** Null when the dataset is plain, or the batch's key is given. */
  readonly contentKey: ContentKey | null;
  /** From the block's record up to the tree of its batch: RFC 9162, from the leaf upwards. */
  readonly path: readonly Uint8Array[];
}

/** Keys of blocks of one batch, with what its leaf in the log is made of: batchRoot follows from any block's path. */
export interface BatchKeys {
  /** Of the batch in the log. */
  readonly position: number;
  readonly first: BlockIndex;
  readonly count: number;
  readonly salt: Salt;
  readonly contentCommitment: ContentCommitment;
  readonly sealedHash: SealedHash;
  /** Only for a batch paid for whole. */
  readonly contentBatchKey: ContentBatchKey | null;
  readonly blocks: readonly BlockKeys[];
}

const VERSION = 1;
const MAX_PATH = Math.log2(MAX_BATCH_BLOCKS);

const index = z.int().min(0).max(Number.MAX_SAFE_INTEGER);
const hash = z.custom<Uint8Array>((value) => value instanceof Uint8Array && value.length === 32);
const path = z
  .custom<Uint8Array>(
    (value) => value instanceof Uint8Array && value.length % 32 === 0 && value.length <= 32 * MAX_PATH,
  )
  .transform((bytes) =>
    Array.from({ length: bytes.length / 32 }, (_, step) => bytes.subarray(32 * step, 32 * (step + 1))),
  );

const size = z.int().min(1).max(MAX_BLOCK_BYTES);
const block = z.tuple([index, size, hash, hash, hash, hash, hash, hash, hash.nullable(), path]).transform(
  ([index, size, sha256, chunkRoot, metaHash, blockKey, sealed, commitment, contentKey, path]) =>
    ({
      index,
      opening: { size, sha256, chunkRoot, metaHash },
      blockKey,
      sealed,
      commitment,
      contentKey,
      path,
    }) as unknown as BlockKeys,
);
const batch = z
  .tuple([
    z.int().min(0).max(0xffff_fffe),
    index,
    z.int().min(1).max(MAX_BATCH_BLOCKS),
    hash,
    hash,
    hash,
    hash.nullable(),
    z.array(block).min(1).max(MAX_BATCH_BLOCKS),
  ])
  .transform(
    ([position, first, count, salt, contentCommitment, sealedHash, contentBatchKey, blocks]) =>
      ({
        position,
        first,
        count,
        salt,
        contentCommitment,
        sealedHash,
        contentBatchKey,
        blocks,
      }) as unknown as BatchKeys,
  );
const payload = z.tuple([z.literal(VERSION), z.array(batch).min(1).max(MAX_BATCH_BLOCKS)]);

/**
 * Canonical dag-cbor of keys: `[1, [batch …]]`, lists without field names, a path as one byte string.
 * @throws ArgumentError when a reader would refuse it, or it is too long for one message
 */
export function encodeKeyPayload(batches: readonly BatchKeys[]): Uint8Array {
  const bytes = dagCbor.encode([VERSION, batches.map(batchLine)]);
  decodeKeyPayload(bytes);
  return bytes;
}

/**
 * Reads keys strictly: bounded, canonical, every block within its batch and named once. That keys, paths and log agree is
 * not known from this.
 * @throws ArgumentError naming what is wrong, never a key
 */
export function decodeKeyPayload(bytes: Uint8Array): BatchKeys[] {
  if (bytes.length > MAX_PLAINTEXT_BYTES) {
    throw new ArgumentError(`Keys of ${bytes.length} bytes do not fit into a message; ${MAX_PLAINTEXT_BYTES} do.`);
  }
  let value: unknown;
  try {
    value = dagCbor.decode(bytes);
  } catch (cause) {
    throw new ArgumentError('The keys are not dag-cbor.', { cause });
  }
  const parsed = payload.safeParse(value);
  if (!parsed.success) {
    throw new ArgumentError(`The keys are malformed at ${parsed.error.issues[0]?.path.join('.') || 'their top'}.`);
  }
  if (!equalBytes(dagCbor.encode(value), bytes)) throw new ArgumentError('The keys are not canonical dag-cbor.');
  const [, batches] = parsed.data;
  const named = new Set<BlockIndex>();
  for (const batch of batches) {
    for (const { index, contentKey } of batch.blocks) {
      if (index < batch.first || index >= batch.first + batch.count) {
        throw new ArgumentError(`Block ${index} is not in the batch that begins with ${batch.first}.`);
      }
      if (named.has(index)) throw new ArgumentError(`Block ${index} is named twice.`);
      named.add(index);
      if (contentKey !== null && (batch.contentBatchKey !== null || isPlain(batch.contentCommitment))) {
        throw new ArgumentError(`Block ${index} has a content key that its batch does not want.`);
      }
    }
    if (batch.contentBatchKey !== null && isPlain(batch.contentCommitment)) {
      throw new ArgumentError(`The batch that begins with ${batch.first} is plain and has a content key.`);
    }
  }
  if (new Set(batches.map((batch) => batch.position)).size !== batches.length) {
    throw new ArgumentError('A batch is named twice.');
  }
  return batches;
}

function batchLine(batch: BatchKeys): unknown[] {
  return [
    ...[batch.position, batch.first, batch.count, batch.salt, batch.contentCommitment, batch.sealedHash],
    batch.contentBatchKey,
    batch.blocks.map(({ index, opening, blockKey, sealed, commitment, contentKey, path }) => [
      ...[index, opening.size, opening.sha256, opening.chunkRoot, opening.metaHash],
      ...[blockKey, sealed, commitment, contentKey, concatBytes(...path)],
    ]),
  ];
}
