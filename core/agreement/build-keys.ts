import { type BlockRecord, batchLeafHash, batchRootOf, ROOTED, recordHash, sealedHash } from '../batch/record.ts';
import { chunkRootFromProof } from '../block/chunk-tree.ts';
import { commitContent, contentBatchKey, contentKey, isPlain } from '../block/content-cipher.ts';
import { blockDigest, type Opening } from '../block/digest.ts';
import { blockKeys, commitKey, sealDigest } from '../block/seal.ts';
import { equalBytes } from '../bytes.ts';
import { ArgumentError, KeyError, ProofError } from '../errors.ts';
import type { BlockIndex, BlockKey, ContentCommitment, DatasetId, DatasetKey, Salt } from '../ids.ts';
import { nodeHash, rootFromPath } from '../log/merkle.ts';
import type { ChallengeAnswer } from '../ports/agreements.ts';
import type { ProvenChunk } from '../ports/css.ts';
import type { Primitives } from '../ports/primitives.ts';
import type { BatchKeys, BlockKeys } from './key-payload.ts';

/** A recorded batch without the bytes of its blocks: with the dataset's key, all that its keys and proofs are made of. */
export interface BatchArchive {
  readonly dataset: DatasetId;
  readonly first: BlockIndex;
  readonly salt: Salt;
  /** 16 bytes; null when the dataset is plain. */
  readonly nonce: Uint8Array | null;
  readonly contentCommitment: ContentCommitment;
  readonly published: boolean;
  /** Of every block of the batch, in order; of blocks that are not for sale, the public record is enough. */
  readonly blocks: readonly (Opening | BlockRecord)[];
}

/** Where a batch stands in the log that was sold. */
export interface LogPlace {
  readonly position: number;
  /** RFC 9162, from the batch's leaf up to the root of the log. */
  readonly logPath: readonly Uint8Array[];
}

/** A batch with everything derived that its owner alone can derive. */
export interface OwnedBatch {
  readonly archive: BatchArchive;
  /** Of the batch's leaf in the log: it leads to the log's root only when every opening is the recorded one. */
  readonly leafHash: Uint8Array;
  readonly blocks: readonly OwnedBlock[];
  /** From the leaves of the batch's tree upwards. */
  readonly levels: readonly (readonly Uint8Array[])[];
}

interface OwnedBlock extends BlockRecord {
  /** Null where only the record is known. */
  readonly opening: Opening | null;
  readonly blockKey: BlockKey;
}

/**
 * Derives keys and records of all blocks of a batch, and its leaf.
 * @throws KeyError when the content's key is not the committed one: another dataset's key, or an altered nonce
 */
export function ownBatch(primitives: Primitives, datasetKey: DatasetKey, archive: BatchArchive): OwnedBatch {
  const { dataset, first, salt, contentCommitment } = archive;
  requireContentKey(primitives, datasetKey, archive);
  const keyOf = blockKeys(primitives, datasetKey, salt);
  const blocks = archive.blocks.map((known, i): OwnedBlock => {
    const blockKey = keyOf(first + i);
    if ('sealed' in known) return { opening: null, blockKey, sealed: known.sealed, commitment: known.commitment };
    const opening = known;
    const digest = blockDigest(primitives, { dataset, index: first + i }, opening);
    const sealed = sealDigest(primitives, digest, blockKey);
    return { opening, blockKey, sealed, commitment: commitKey(primitives, blockKey) };
  });
  const levels = levelsOf(
    primitives,
    blocks.map((block) => recordHash(primitives, block)),
  );
  const leafHash = batchLeafHash(primitives, {
    ...{ dataset, first, count: blocks.length, salt, sealedHash: sealedHashOf(archive, blocks) },
    batchRoot: batchRootOf(primitives, contentCommitment, levels[levels.length - 1]?.[0] as Uint8Array),
  });
  return { archive, leafHash, blocks, levels };
}

/** @throws ProofError unless the batch leads to this log */
export function requireInLog(
  hasher: Pick<Primitives, 'sha256'>,
  batch: OwnedBatch,
  place: LogPlace,
  log: { readonly batches: number; readonly root: Uint8Array },
): void {
  const root = rootFromPath(hasher, batch.leafHash, place.position, log.batches, place.logPath);
  if (equalBytes(root, log.root)) return;
  throw new ProofError(`The batch of block ${batch.archive.first} does not lead to the log that was sold.`);
}

/**
 * Keys of some blocks of a batch, as they go to the consumer. With `whole`, the batch's content key stands for those of its
 * blocks.
 * @throws ArgumentError when a block is not in the batch
 */
export function buildBatchKeys(
  primitives: Primitives,
  datasetKey: DatasetKey,
  batch: OwnedBatch,
  position: number,
  wanted: readonly BlockIndex[],
  whole: boolean,
): BatchKeys {
  const { first, salt, nonce, contentCommitment } = batch.archive;
  const batchKey = nonce === null ? null : contentBatchKey(primitives, datasetKey, nonce);
  const blocks = wanted.map((index): BlockKeys => {
    const own = batchKey === null || whole ? null : contentKey(primitives, batchKey, index);
    return { index, ...blockOf(batch, index), contentKey: own, path: recordPath(batch, index) };
  });
  return {
    ...{ position, first, count: batch.blocks.length, salt, contentCommitment },
    ...{ sealedHash: sealedHashOf(batch.archive, batch.blocks), contentBatchKey: whole ? batchKey : null, blocks },
  };
}

/**
 * What answers a challenge on the chain, from the chunk that storage gave.
 * @throws ProofError when the chunk does not lead to the recorded block
 */
export function buildChallengeAnswer(
  hasher: Pick<Primitives, 'sha256'>,
  batch: OwnedBatch,
  place: LogPlace,
  seed: number,
  proven: Pick<ProvenChunk, 'index' | 'chunk' | 'path'>,
): ChallengeAnswer {
  const { opening, blockKey } = blockOf(batch, proven.index);
  if (!equalBytes(chunkRootFromProof(hasher, opening.size, seed, proven), opening.chunkRoot)) {
    throw new ProofError(`The chunk does not lead to block ${proven.index} as it was recorded.`);
  }
  const { first, salt, contentCommitment } = batch.archive;
  return {
    ...{ chunk: proven.chunk, chunkPath: proven.path, sizeBytes: opening.size, sha256: opening.sha256 },
    ...{ metaHash: opening.metaHash, blockKey, recordPath: recordPath(batch, proven.index) },
    ...{ first, count: batch.blocks.length, salt, contentCommitment },
    sealedHash: sealedHashOf(batch.archive, batch.blocks),
    ...{ position: place.position, logPath: place.logPath },
  };
}

function requireContentKey(primitives: Primitives, datasetKey: DatasetKey, archive: BatchArchive): void {
  const { nonce, contentCommitment, first } = archive;
  const isRight =
    nonce === null
      ? isPlain(contentCommitment)
      : equalBytes(commitContent(primitives, contentBatchKey(primitives, datasetKey, nonce)), contentCommitment);
  if (!isRight) throw new KeyError(`The dataset's key does not open the contents of the batch of block ${first}.`);
}

function sealedHashOf({ published }: BatchArchive, blocks: readonly OwnedBlock[]) {
  return published ? sealedHash(blocks.map(({ sealed }) => sealed)) : ROOTED;
}

function blockOf({ archive, blocks }: OwnedBatch, index: BlockIndex): OwnedBlock & { readonly opening: Opening } {
  const block = blocks[index - archive.first];
  if (block === undefined) {
    throw new ArgumentError(`Block ${index} is not in the batch that begins with ${archive.first}.`);
  }
  const { opening } = block;
  if (opening === null) throw new ArgumentError(`Of block ${index} only the public record is archived.`);
  return { ...block, opening };
}

/** One tree for all blocks: making each path anew would hash the whole batch for every block. */
function levelsOf(hasher: Pick<Primitives, 'sha256'>, leaves: readonly Uint8Array[]): Uint8Array[][] {
  const levels = [[...leaves]];
  for (let level = levels[0] as Uint8Array[]; level.length > 1; levels.push(level)) {
    const below = level;
    level = [];
    for (let i = 0; i < below.length; i += 2) {
      const [left, right] = [below[i] as Uint8Array, below[i + 1]];
      level.push(right === undefined ? left : nodeHash(hasher, left, right));
    }
  }
  return levels;
}

function recordPath({ archive, levels }: OwnedBatch, index: BlockIndex): Uint8Array[] {
  return levels.slice(0, -1).flatMap((level, height) => level[((index - archive.first) >> height) ^ 1] ?? []);
}
