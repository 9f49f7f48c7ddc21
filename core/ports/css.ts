import type { BlockRecord } from '../batch/record.ts';
import type { ChunkProof } from '../block/chunk-tree.ts';
import type { Opening } from '../block/digest.ts';
import type { ContentCommitment, DatasetId, MetaHash, Salt, SealedHash, Sha256 } from '../ids.ts';

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

/** The public records of some blocks of one batch, and the rest of its batch root. */
export interface BatchRecords {
  /** Position of the batch in the log, from 0. */
  readonly position: number;
  readonly first: number;
  readonly count: number;
  readonly salt: Salt;
  readonly sealedHash: SealedHash;
  readonly contentCommitment: ContentCommitment;
  /** 16 bytes, or null when plain. */
  readonly nonce: Uint8Array | null;
  /** Size of the batch's largest block: a hint for cutting requests, never believed for more. */
  readonly largestBlockBytes: number;
  readonly records: readonly (BlockRecord & { readonly index: number })[];
  /** Multiproof of these records in the batch's tree. */
  readonly proof: readonly Uint8Array[];
}

/** Records of blocks wherever they are, and one multiproof of their batches in the log of `batches`. */
export interface Records {
  readonly batches: readonly BatchRecords[];
  readonly proof: readonly Uint8Array[];
  readonly faults: readonly Fault[];
}

/** Whoever holds the public records; they prove themselves against DISSC. */
export interface RecordSource {
  /** Records of at most 512 blocks up to the head of `batches`. */
  getRecords(dataset: DatasetId, blocks: readonly number[], batches: number, signal?: AbortSignal): Promise<Records>;
}
