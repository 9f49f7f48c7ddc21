import { metaHash } from '../../core/block/meta.ts';
import type { Sha256 } from '../../core/ids.ts';
import type { Fault, HashedBlock } from '../../core/ports/css.ts';
import type { IncrementalSha256 } from '../../core/ports/primitives.ts';
import type { ReadingPorts } from '../ports.ts';
import type { ReadableSegment } from '../state/segment-entry.ts';
import type { ListedBlock } from './answer-blocks.ts';
import { type BlockSink, walkBlocks } from './walk-blocks.ts';

/**
 * Hashes stored blocks as their bytes stream by: neighbours in one read, and never more in memory than a piece of the
 * stream, however many blocks there are.
 */
export function hashListedBlocks(
  { primitives, objects }: Pick<ReadingPorts, 'primitives' | 'objects'>,
  { key }: Pick<ReadableSegment, 'key'>,
  blocks: readonly ListedBlock[],
  signal?: AbortSignal,
): Promise<(HashedBlock | Fault)[]> {
  return walkBlocks(objects, key, blocks, (block) => hashBlock(primitives, block), signal);
}

function hashBlock(primitives: ReadingPorts['primitives'], { index, listed }: ListedBlock): BlockSink<HashedBlock> {
  const { size, chunkRoot, meta } = listed;
  let hash: IncrementalSha256 | null = null;
  let sha256: Uint8Array | null = null;
  return {
    take(part) {
      if (part.length === size) sha256 = primitives.sha256(part);
      else {
        hash ??= primitives.createSha256();
        hash.update(part);
      }
    },
    answer() {
      const whole = (sha256 ?? hash?.digest()) as Sha256;
      return { index, opening: { size, sha256: whole, chunkRoot, metaHash: metaHash(primitives, meta) } };
    },
  };
}
