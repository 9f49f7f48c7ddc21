import { proveChunk } from '../../core/block/chunk-tree.ts';
import { metaHash } from '../../core/block/meta.ts';
import type { Sha256 } from '../../core/ids.ts';
import type { Fault, ProvenChunk } from '../../core/ports/css.ts';
import type { ReadingPorts } from '../ports.ts';
import type { ReadableSegment } from '../state/segment-entry.ts';
import type { ListedBlock } from './answer-blocks.ts';
import { type BlockSink, walkBlocks } from './walk-blocks.ts';

/**
 * Proves the challenged chunk of each block from its stored bytes, as they stream by: neighbours in one read, one block
 * of each read in memory at a time.
 */
export function proveListedBlocks(
  { primitives, objects }: Pick<ReadingPorts, 'primitives' | 'objects'>,
  { key }: Pick<ReadableSegment, 'key'>,
  blocks: readonly ListedBlock[],
  randomOf: (index: number) => number,
  signal?: AbortSignal,
): Promise<(ProvenChunk | Fault)[]> {
  return walkBlocks(objects, key, blocks, (block) => proveBlock(primitives, block, randomOf(block.index)), signal);
}

function proveBlock(
  primitives: ReadingPorts['primitives'],
  { index, listed }: ListedBlock,
  random: number,
): BlockSink<ProvenChunk> {
  const collected = new Uint8Array(listed.size);
  let length = 0;
  return {
    take(part) {
      collected.set(part, length);
      length += part.length;
    },
    answer() {
      const { chunk, path } = proveChunk(primitives, collected, random);
      const sha256 = primitives.sha256(collected) as Sha256;
      return { index, size: listed.size, sha256, metaHash: metaHash(primitives, listed.meta), chunk, path };
    },
  };
}
