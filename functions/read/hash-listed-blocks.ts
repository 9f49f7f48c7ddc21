import { metaHash } from '../../core/block/meta.ts';
import type { Sha256 } from '../../core/ids.ts';
import type { Fault, HashedBlock } from '../../core/ports/css.ts';
import type { IncrementalSha256 } from '../../core/ports/primitives.ts';
import type { ServicePorts } from '../ports.ts';
import { mapBounded } from '../state/map-bounded.ts';
import type { ReadableSegment } from '../state/segment-entry.ts';
import { endsBefore, faultOf, type ListedBlock } from './answer-blocks.ts';
import { cutSpans, endOf } from './cut-spans.ts';

/** Of one segment; what lies far apart is waited for together. */
const PARALLEL_SPANS = 4;

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
  const answered = await mapBounded(cutSpans(blocks), PARALLEL_SPANS, (span) =>
    hashSpan(ports, segment.key, span, signal),
  );
  return answered.flat();
}

async function hashSpan(
  { primitives, objects }: Ports,
  key: string,
  span: readonly ListedBlock[],
  signal?: AbortSignal,
): Promise<(HashedBlock | Fault)[]> {
  const start = (span[0] as ListedBlock).offset;
  const stream = await objects.stream(key, { start, end: endOf(span[span.length - 1] as ListedBlock) }, signal);
  if (stream === null) return span.map(({ index }) => faultOf(index, 'object missing'));
  const answers: (HashedBlock | Fault)[] = [];
  let at = start;
  let hash: IncrementalSha256 | null = null;
  for await (const piece of stream) {
    const end = at + piece.length;
    for (let block = span[answers.length]; block !== undefined && block.offset < end; block = span[answers.length]) {
      const part = piece.subarray(Math.max(0, block.offset - at), Math.min(piece.length, endOf(block) - at));
      if (hash === null && part.length === block.listed.size) {
        answers.push(hashedBlock(primitives, block, primitives.sha256(part) as Sha256));
        continue;
      }
      hash ??= primitives.createSha256();
      hash.update(part);
      if (endOf(block) > end) break;
      answers.push(hashedBlock(primitives, block, hash.digest() as Sha256));
      hash = null;
    }
    at = end;
  }
  const cut = span.slice(answers.length).map((block) => endsBefore(block, Math.max(0, at - block.offset)));
  return [...answers, ...cut];
}

function hashedBlock(primitives: Ports['primitives'], { index, listed }: ListedBlock, sha256: Sha256): HashedBlock {
  const { size, chunkRoot, meta } = listed;
  return { index, opening: { size, sha256, chunkRoot, metaHash: metaHash(primitives, meta) } };
}
