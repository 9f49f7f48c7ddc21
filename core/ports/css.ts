import type { ChunkProof } from '../block/chunk-tree.ts';
import type { Opening } from '../block/digest.ts';
import type { BlockIndex, DatasetId, MetaHash, Nonce, Salt, Sha256 } from '../ids.ts';
import type { ShownRecord } from '../log/verify-records.ts';

/** Why storage does not answer for one block. Nothing in it is believed; it is shown to the person who asked. */
export interface Fault {
  readonly index: number;
  readonly kind: 'unavailable' | 'refused' | 'unrecorded';
  readonly reason: string;
}

/** One block's answer to hash-blocks: SHA-256 computed now, the rest as stored. */
export interface HashedBlock {
  readonly index: number;
  readonly opening: Opening;
}

/** One block's answer to prove-chunks. The chunk root follows from the proof. */
export interface ProvenChunk extends ChunkProof {
  readonly index: number;
  readonly size: number;
  readonly sha256: Sha256;
  readonly metaHash: MetaHash;
}

/** Answers for some of the blocks asked for; `remaining` were not looked at, as one request covers at most 64 MiB. */
export interface Answers<T> {
  readonly answers: readonly (T | Fault)[];
  readonly remaining: readonly number[];
}

/** Cloud storage that can hash on request (CSS-Y). Throws StoreUnavailableError when it cannot be reached. */
export interface CssY {
  hashBlocks(dataset: DatasetId, blocks: readonly number[], signal?: AbortSignal): Promise<Answers<HashedBlock>>;
  proveChunks(
    dataset: DatasetId,
    challenges: readonly { index: number; random: number }[],
    signal?: AbortSignal,
  ): Promise<Answers<ProvenChunk>>;
}

/** Cloud storage that can only give bytes back (CSS-N). */
export interface CssN {
  getBlock(
    dataset: DatasetId,
    index: number,
    signal?: AbortSignal,
  ): Promise<{ readonly block: Uint8Array; readonly meta: Uint8Array } | Fault>;
}

/**
 * What storage says of the batch that a block was sealed in. None of it is proven by the log: salt and nonce are checked by the
 * commitments in the block's own record.
 */
export interface BatchHint {
  readonly first: BlockIndex;
  readonly count: number;
  /** Of the device that sealed it: which of the dataset's keys open it. */
  readonly serial: number;
  readonly salt: Salt;
  /** 16 bytes, or null when the dataset is not encrypted. */
  readonly nonce: Nonce | null;
  /** Size of the batch's largest block: for cutting requests, never believed for more. */
  readonly largestBlockBytes: number;
}

/** The public records of some blocks of one batch. */
export interface BatchRecords extends BatchHint {
  readonly records: readonly ShownRecord[];
}

/** Records of blocks wherever they are, and one multiproof of all of them in the log of `size` blocks. */
export interface Records {
  readonly batches: readonly BatchRecords[];
  readonly proof: readonly Uint8Array[];
  readonly faults: readonly Fault[];
}

/** Whoever holds the public records; they prove themselves against DISSC. */
export interface RecordSource {
  /** Records of at most 512 blocks, proven in the log's head of `size` blocks. */
  getRecords(dataset: DatasetId, blocks: readonly number[], size: number, signal?: AbortSignal): Promise<Records>;
}
