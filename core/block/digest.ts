import { concatBytes, u8, u32, u64 } from '../bytes.ts';
import { type BlockId, type ChunkRoot, type Digest, datasetBytes, type MetaHash, type Sha256 } from '../ids.ts';
import type { Primitives } from '../ports/primitives.ts';
import { chunkRoot, requireBlockSize } from './chunk-tree.ts';
import { metaHash } from './meta.ts';

/** What a digest is made of (specification#digest). Whoever knows it can recompute the digest without the block. */
export interface Opening {
  readonly size: number;
  readonly sha256: Sha256;
  readonly chunkRoot: ChunkRoot;
  readonly metaHash: MetaHash;
}

/**
 * The opening of a stored block: hashes the whole of it twice, once flat, once by chunks.
 * @throws ArgumentError for a size that no block has
 */
export function openBlock(hasher: Pick<Primitives, 'sha256'>, block: Uint8Array, metaBytes: Uint8Array): Opening {
  requireBlockSize(block.length);
  return {
    size: block.length,
    sha256: hasher.sha256(block) as Sha256,
    chunkRoot: chunkRoot(hasher, block),
    metaHash: metaHash(hasher, metaBytes),
  };
}

/**
 * Hash(DataBlock) of the paper, bound to its BlockId: H(02 ‖ dataset32 ‖ u64 index ‖ u32 size ‖ H(block) ‖ chunkRoot ‖
 * H(meta)).
 * @throws ArgumentError when the size is not that of a block
 */
export function blockDigest(hasher: Pick<Primitives, 'sha256'>, block: BlockId, opening: Opening): Digest {
  requireBlockSize(opening.size);
  return hasher.sha256(
    concatBytes(
      u8(0x02),
      datasetBytes(block.dataset),
      u64(block.index),
      u32(opening.size),
      opening.sha256,
      opening.chunkRoot,
      opening.metaHash,
    ),
  ) as Digest;
}
