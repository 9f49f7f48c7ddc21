import { proveChunk } from '../../core/block/chunk-tree.ts';
import { metaHash } from '../../core/block/meta.ts';
import type { Sha256 } from '../../core/ids.ts';
import type { Fault, ProvenChunk } from '../../core/ports/css.ts';
import type { ServicePorts } from '../ports.ts';
import type { ReadableSegment } from '../state/segment-entry.ts';
import { endsBefore, faultOf, type ListedBlock } from './answer-blocks.ts';

/** Proves the challenged chunk of each block from its stored bytes, one block in memory at a time. */
export async function proveListedBlocks(
  { primitives, objects }: Pick<ServicePorts, 'primitives' | 'objects'>,
  segment: ReadableSegment,
  blocks: readonly ListedBlock[],
  randomOf: (index: number) => number,
  signal?: AbortSignal,
): Promise<(ProvenChunk | Fault)[]> {
  const answers: (ProvenChunk | Fault)[] = [];
  for (const block of blocks) {
    const { index, offset, listed } = block;
    const bytes = await objects.read(segment.key, { start: offset, end: offset + listed.size }, signal);
    if (bytes === null) answers.push(faultOf(index, 'object missing'));
    else if (bytes.length < listed.size) answers.push(endsBefore(block, bytes.length));
    else {
      const { chunk, path } = proveChunk(primitives, bytes, randomOf(index));
      const sha256 = primitives.sha256(bytes) as Sha256;
      answers.push({ index, size: listed.size, sha256, metaHash: metaHash(primitives, listed.meta), chunk, path });
    }
  }
  return answers;
}
