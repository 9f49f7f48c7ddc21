import { type ChunkProof, chunkRootFromProof } from '../block/chunk-tree.ts';
import { commitContent, contentBatchKey, contentKey, PLAIN_COMMITMENT, readKey } from '../block/content-keys.ts';
import { blockDigest, type Opening } from '../block/digest.ts';
import { auditKey, blockKeys, commitKey, sealDigest } from '../block/seal.ts';
import { equalBytes } from '../bytes.ts';
import { ArgumentError, KeyError, ProofError } from '../errors.ts';
import type { BlockIndex, BlockKey, ContentBatchKey, ContentKey, DatasetId, DatasetKey, Nonce, Salt } from '../ids.ts';
import type { BlockRecord } from '../log/record.ts';
import type { Primitives } from '../ports/primitives.ts';
import type { BlockKeys } from './key-payload.ts';

/** A recorded batch without the bytes of its blocks: with the dataset's key, all that its keys are made of. */
export interface BatchArchive {
  readonly dataset: DatasetId;
  readonly first: BlockIndex;
  readonly salt: Salt;
  /** Null when the dataset is not encrypted. */
  readonly nonce: Nonce | null;
  /** Of every block of the batch, in order; of blocks that are not for sale the public record is enough. */
  readonly blocks: readonly (Opening | BlockRecord)[];
}

/** A batch with everything derived that its owner alone can derive. */
export interface OwnedBatch {
  readonly dataset: DatasetId;
  readonly first: BlockIndex;
  /** Null when the dataset is not encrypted. */
  readonly contentBatchKey: ContentBatchKey | null;
  readonly blocks: readonly OwnedBlock[];
}

export interface OwnedBlock {
  /** Null where only the record is known. */
  readonly opening: Opening | null;
  readonly record: BlockRecord;
  readonly blockKey: BlockKey;
  /** Null when the dataset is not encrypted. */
  readonly contentKey: ContentKey | null;
}

/**
 * Derives records and keys of all blocks of a batch from the key of the device that sealed it. They are the recorded ones
 * only if their records lead to the log.
 * @throws KeyError when a record that is known commits to other keys
 */
export function ownBatch(
  primitives: Pick<Primitives, 'sha256' | 'hmacSha256'>,
  datasetKey: DatasetKey,
  archive: BatchArchive,
): OwnedBatch {
  const { dataset, first, salt, nonce } = archive;
  const batchKey = nonce === null ? null : contentBatchKey(primitives, readKey(primitives, datasetKey), nonce);
  const keyOf = blockKeys(primitives, auditKey(primitives, datasetKey), salt);
  const blocks = archive.blocks.map((known, number): OwnedBlock => {
    const index = first + number;
    const blockKey = keyOf(index);
    const own = batchKey === null ? null : contentKey(primitives, batchKey, index);
    const commitment = commitKey(primitives, blockKey);
    const contentCommitment = own === null ? PLAIN_COMMITMENT : commitContent(primitives, own);
    if ('sealed' in known) {
      const isOurs = equalBytes(known.commitment, commitment) && equalBytes(known.contentCommitment, contentCommitment);
      if (!isOurs) throw new KeyError(`The record of block ${index} does not commit to this dataset's keys.`);
      return { opening: null, record: known, blockKey, contentKey: own };
    }
    const sealed = sealDigest(primitives, blockDigest(primitives, { dataset, index }, known), blockKey);
    return { opening: known, record: { sealed, commitment, contentCommitment }, blockKey, contentKey: own };
  });
  return { dataset, first, contentBatchKey: batchKey, blocks };
}

/**
 * The keys of one block as they go to the consumer; with the content key where the block is paid for or a preview.
 * @throws ArgumentError when the block is not in the batch, or only its record is known
 */
export function keysOfBlock(batch: OwnedBatch, index: BlockIndex, withContentKey: boolean): BlockKeys {
  const { opening, blockKey, record, contentKey: own } = openedBlock(batch, index);
  return { index, opening, blockKey, record, contentKey: withContentKey ? own : null };
}

/** What answers a challenge on the chain: the chunk, and all that leads from it to the record (OCASC's `Answer`). */
export interface ChunkAnswer extends ChunkProof {
  readonly record: BlockRecord;
  readonly blockKey: BlockKey;
  readonly opening: Opening;
}

/**
 * The answer to a challenge from the chunk that storage gave; its record's path to the sold log goes beside it.
 * @throws ProofError when the chunk does not lead to the recorded block
 * @throws ArgumentError when the block is not in the batch, or only its record is known
 */
export function answerChallenge(
  hasher: Pick<Primitives, 'sha256'>,
  batch: OwnedBatch,
  index: BlockIndex,
  seed: number,
  { chunk, path }: ChunkProof,
): ChunkAnswer {
  const { opening, blockKey, record } = openedBlock(batch, index);
  if (!equalBytes(chunkRootFromProof(hasher, opening.size, seed, { chunk, path }), opening.chunkRoot)) {
    throw new ProofError(`The chunk does not lead to the recorded block ${index}.`);
  }
  return { record, blockKey, opening, chunk, path };
}

/**
 * The answer to a demand: the content key whose H(22 ‖ key) is in the block's record.
 * @throws ArgumentError for a block that is not encrypted, or not in the batch
 */
export function answerDemand(
  batch: OwnedBatch,
  index: BlockIndex,
): { readonly record: BlockRecord; readonly contentKey: ContentKey } {
  const { record, contentKey: own } = blockAt(batch, index);
  if (own === null) throw new ArgumentError(`Block ${index} is not encrypted, so it has no key to demand.`);
  return { record, contentKey: own };
}

function blockAt({ first, blocks }: OwnedBatch, index: BlockIndex): OwnedBlock {
  const block = blocks[index - first];
  if (block === undefined) throw new ArgumentError(`Block ${index} is not in the batch that begins with ${first}.`);
  return block;
}

function openedBlock(batch: OwnedBatch, index: BlockIndex): OwnedBlock & { readonly opening: Opening } {
  const block = blockAt(batch, index);
  const { opening } = block;
  if (opening === null) throw new ArgumentError(`The archive has only the public record of block ${index}.`);
  return { ...block, opening };
}
