import { ArgumentError, ProofError } from '../errors.ts';
import type { ChunkRoot } from '../ids.ts';
import { CHUNK_BYTES, MAX_BLOCK_BYTES } from '../limits.ts';
import { inclusionPath, rootFromPath, rootOfLeafHashes } from '../log/merkle.ts';
import type { Primitives } from '../ports/primitives.ts';

type Hasher = Pick<Primitives, 'sha256'>;

/**
 * How many 1,024-byte chunks a block of this size has; the last may be short.
 * @throws ArgumentError for a size that no block has
 */
export function chunkCount(sizeBytes: number): number {
  requireBlockSize(sizeBytes);
  return Math.ceil(sizeBytes / CHUNK_BYTES);
}

/**
 * Merkle tree hash of a block cut into 1,024-byte chunks (specification#digest, RFC 9162 §2.1.1).
 * @throws ArgumentError for a size that no block has
 */
export function chunkRoot(hasher: Hasher, block: Uint8Array): ChunkRoot {
  return rootOfLeafHashes(hasher, chunkHashes(hasher, block)) as ChunkRoot;
}

/** What storage answers to a challenge of one chunk: its bytes and its path, from the leaf upwards. */
export interface ChunkProof {
  readonly chunk: Uint8Array;
  readonly path: readonly Uint8Array[];
}

/**
 * Proves chunk `random mod n` of a block.
 * @throws ArgumentError for a size that no block has
 */
export function proveChunk(hasher: Hasher, block: Uint8Array, random: number): ChunkProof & { root: ChunkRoot } {
  const number = random % chunkCount(block.length);
  const hashes = chunkHashes(hasher, block);
  return {
    chunk: block.slice(number * CHUNK_BYTES, (number + 1) * CHUNK_BYTES),
    path: inclusionPath(hasher, hashes, number),
    root: rootOfLeafHashes(hasher, hashes) as ChunkRoot,
  };
}

/**
 * The chunk root a proof leads to, for chunk `random mod n` of a block of `sizeBytes`.
 * @throws ProofError when the chunk has not exactly the length that its place asks for, or the path a wrong one
 */
export function chunkRootFromProof(hasher: Hasher, sizeBytes: number, random: number, proof: ChunkProof): ChunkRoot {
  const count = chunkCount(sizeBytes);
  const number = random % count;
  const length = number === count - 1 ? sizeBytes - number * CHUNK_BYTES : CHUNK_BYTES;
  if (proof.chunk.length !== length) {
    throw new ProofError(`Chunk ${number} of ${count} has ${proof.chunk.length} bytes; it must have ${length}.`);
  }
  return rootFromPath(hasher, chunkLeafHash(hasher, proof.chunk), number, count, proof.path) as ChunkRoot;
}

/** @throws ArgumentError unless the size is 1 byte … 1 MiB */
export function requireBlockSize(sizeBytes: number): void {
  if (!Number.isInteger(sizeBytes) || sizeBytes < 1 || sizeBytes > MAX_BLOCK_BYTES) {
    throw new ArgumentError(`A block of ${sizeBytes} bytes is not allowed; it can have 1 to ${MAX_BLOCK_BYTES}.`);
  }
}

function chunkHashes(hasher: Hasher, block: Uint8Array): Uint8Array[] {
  const hashes: Uint8Array[] = [];
  for (let offset = 0; offset < block.length; offset += CHUNK_BYTES) {
    hashes.push(chunkLeafHash(hasher, block.subarray(offset, offset + CHUNK_BYTES)));
  }
  requireBlockSize(block.length);
  return hashes;
}

// One buffer for all full chunks: allocating and zeroing one per chunk costs more than hashing it.
const leafBuffer = new Uint8Array(1 + CHUNK_BYTES);

function chunkLeafHash(hasher: Hasher, chunk: Uint8Array): Uint8Array {
  leafBuffer[0] = 0x00;
  leafBuffer.set(chunk, 1);
  return hasher.sha256(leafBuffer.subarray(0, 1 + chunk.length));
}
