import { metaHash } from '../../core/block/meta.ts';
import type { Sha256 } from '../../core/ids.ts';
import type { Fault, HashedBlock } from '../../core/ports/css.ts';
import type { IncrementalSha256 } from '../../core/ports/primitives.ts';
import type { ServicePorts } from '../ports.ts';
import type { ReadableSegment } from '../state/segment-entry.ts';
import { endsBefore, faultOf, type ListedBlock } from './answer-blocks.ts';

type Ports = Pick<ServicePorts, 'primitives' | 'objects'>;

/**
 * Hashes stored blocks as their bytes stream by: neighbours in one read, and never more in memory than a piece of the
 * stream, however many blocks there are.
 */
export async function hashListedBlocks(
  ports: Ports,
  segment: ReadableSegment,
  blocks: readonly ListedBlock[],
  signal?: AbortSignal,
): Promise<(HashedBlock | Fault)[]> {
  const answers: (HashedBlock | Fault)[] = [];
  for (const run of cutRuns(blocks)) answers.push(...(await hashRun(ports, segment.key, run, signal)));
  return answers;
}

async function hashRun(
  { primitives, objects }: Ports,
  key: string,
  run: readonly ListedBlock[],
  signal?: AbortSignal,
): Promise<(HashedBlock | Fault)[]> {
  const start = (run[0] as ListedBlock).offset;
  const stream = await objects.stream(key, { start, end: endOf(run[run.length - 1] as ListedBlock) }, signal);
  if (stream === null) return run.map(({ index }) => faultOf(index, 'object missing'));
  const answers: (HashedBlock | Fault)[] = [];
  let at = start;
  let hash: IncrementalSha256 | null = null;
  for await (const piece of stream) {
    const end = at + piece.length;
    for (let block = run[answers.length]; block !== undefined && block.offset < end; block = run[answers.length]) {
      hash ??= primitives.createSha256();
      hash.update(piece.subarray(Math.max(0, block.offset - at), Math.min(piece.length, endOf(block) - at)));
      if (endOf(block) > end) break;
      answers.push(hashedBlock(primitives, block, hash.digest() as Sha256));
      hash = null;
    }
    at = end;
  }
  const cut = run.slice(answers.length).map((block) => endsBefore(block, Math.max(0, at - block.offset)));
  return [...answers, ...cut];
}

function hashedBlock(primitives: Ports['primitives'], { index, listed }: ListedBlock, sha256: Sha256): HashedBlock {
  const { size, chunkRoot, meta } = listed;
  return { index, opening: { size, sha256, chunkRoot, metaHash: metaHash(primitives, meta) } };
}

/** Runs of blocks that follow on each other: between two of them is only the next one's frame. */
function cutRuns(blocks: readonly ListedBlock[]): ListedBlock[][] {
  const runs: ListedBlock[][] = [];
  for (const block of blocks) {
    const run = runs[runs.length - 1];
    if (run?.[run.length - 1]?.index === block.index - 1) run.push(block);
    else runs.push([block]);
  }
  return runs;
}

function endOf(block: ListedBlock): number {
  return block.offset + block.listed.size;
}
