import { keccak_256 } from '@noble/hashes/sha3.js';
import { concatBytes, u8, u32, u64 } from '../bytes.ts';
import { ArgumentError } from '../errors.ts';
import {
  type BatchRoot,
  type BlockIndex,
  bytes32,
  type Commitment,
  type ContentCommitment,
  type DatasetId,
  datasetBytes,
  type Salt,
  type SealedDigest,
  type SealedHash,
} from '../ids.ts';
import { MAX_BATCH_BLOCKS } from '../limits.ts';
import { leafHash, merkleTreeHash } from '../log/merkle.ts';
import type { Primitives } from '../ports/primitives.ts';

type Hasher = Pick<Primitives, 'sha256'>;

/** The public record of one block: what is sealed, and what makes the seal binding. */
export interface BlockRecord {
  readonly sealed: SealedDigest;
  readonly commitment: Commitment;
}

/** What a batch is on the chain: one leaf of its dataset's log. */
export interface BatchLeaf {
  readonly dataset: DatasetId;
  readonly first: BlockIndex;
  readonly count: number;
  readonly salt: Salt;
  readonly batchRoot: BatchRoot;
  /** keccak256 of all sealed digests when published, else 32 zero bytes. */
  readonly sealedHash: SealedHash;
}

/** What stands in `sealedHash` of a rooted batch. */
export const ROOTED: SealedHash = new Uint8Array(32) as SealedHash;

/** sealed ‖ commitment: the data of one leaf of the batch tree. */
export function recordBytes(record: BlockRecord): Uint8Array {
  return concatBytes(bytes32(record.sealed, 'sealed digest'), bytes32(record.commitment, 'commitment'));
}

export function recordHash(hasher: Hasher, record: BlockRecord): Uint8Array {
  return leafHash(hasher, recordBytes(record));
}

/** batchRoot = H(03 ‖ contentCommitment ‖ MTH(sealed ‖ commitment, block by block)). */
export function batchRoot(hasher: Hasher, content: ContentCommitment, records: readonly BlockRecord[]): BatchRoot {
  return batchRootOf(hasher, content, merkleTreeHash(hasher, records.map(recordBytes)));
}

/** batchRoot from a tree root that a proof led to. */
export function batchRootOf(hasher: Hasher, content: ContentCommitment, tree: Uint8Array): BatchRoot {
  return hasher.sha256(concatBytes(u8(0x03), content, tree)) as BatchRoot;
}

/** keccak256 of all sealed digests, concatenated: what a published batch's leaf binds. */
export function sealedHash(sealed: readonly SealedDigest[]): SealedHash {
  return keccak_256(concatBytes(...sealed)) as SealedHash;
}

/** dataset32 ‖ u64 first ‖ u32 count ‖ salt ‖ batchRoot ‖ sealedHash, 140 bytes. */
export function batchLeafBytes(leaf: BatchLeaf): Uint8Array {
  requireBatchCount(leaf.count);
  return concatBytes(
    datasetBytes(leaf.dataset),
    u64(leaf.first),
    u32(leaf.count),
    bytes32(leaf.salt, 'salt'),
    bytes32(leaf.batchRoot, 'batch root'),
    bytes32(leaf.sealedHash, 'sealed hash'),
  );
}

export function batchLeafHash(hasher: Hasher, leaf: BatchLeaf): Uint8Array {
  return leafHash(hasher, batchLeafBytes(leaf));
}

/** @throws ArgumentError unless 1 … 1,024 */
export function requireBatchCount(count: number): void {
  if (!Number.isInteger(count) || count < 1 || count > MAX_BATCH_BLOCKS) {
    throw new ArgumentError(`A batch of ${count} blocks is not allowed; 1 to ${MAX_BATCH_BLOCKS} fit. Cut it.`);
  }
}
