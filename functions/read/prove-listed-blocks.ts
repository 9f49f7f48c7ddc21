import { proveChunk } from '../../core/block/chunk-tree.ts';
import { metaHash } from '../../core/block/meta.ts';
import type { Sha256 } from '../../core/ids.ts';
import type { Fault, ProvenChunk } from '../../core/ports/css.ts';
import type { ServicePorts } from '../ports.ts';
import { mapBounded } from '../state/map-bounded.ts';
import type { ReadableSegment } from '../state/segment-entry.ts';
import { endsBefore, faultOf, type ListedBlock } from './answer-blocks.ts';
import { cutSpans, endOf } from './cut-spans.ts';

type Ports = Pick<ServicePorts, 'primitives' | 'objects'>;

/** Of one segment; what lies far apart is waited for together. */
const PARALLEL_SPANS = 4;

/**
 * Proves the challenged chunk of each block from its stored bytes, as they stream by: neighbours in one read, one block
 * of each read in memory at a time.
 */
export async function proveListedBlocks(
  ports: Ports,
  segment: ReadableSegment,
  blocks: readonly ListedBlock[],
  randomOf: (index: number) => number,
  signal?: AbortSignal,
): Promise<(ProvenChunk | Fault)[]> {
  const answered = await mapBounded(cutSpans(blocks), PARALLEL_SPANS, (span) =>
    proveSpan(ports, segment.key, span, randomOf, signal),
  );
  return answered.flat();
}

async function proveSpan(
  { primitives, objects }: Ports,
  key: string,
  span: readonly ListedBlock[],
  randomOf: (index: number) => number,
  signal?: AbortSignal,
): Promise<(ProvenChunk | Fault)[]> {
  const start = (span[0] as ListedBlock).offset;
  const stream = await objects.stream(key, { start, end: endOf(span[span.length - 1] as ListedBlock) }, signal);
  if (stream === null) return span.map(({ index }) => faultOf(index, 'object missing'));
  const answers: (ProvenChunk | Fault)[] = [];
  let at = start;
  let collected = new Uint8Array(0);
  for await (const piece of stream) {
    const end = at + piece.length;
    for (let block = span[answers.length]; block !== undefined && block.offset < end; block = span[answers.length]) {
      if (block.offset >= at) collected = new Uint8Array(block.listed.size);
      const from = Math.max(block.offset, at);
      collected.set(piece.subarray(from - at, Math.min(piece.length, endOf(block) - at)), from - block.offset);
      if (endOf(block) > end) break;
      answers.push(provenChunk(primitives, block, collected, randomOf(block.index)));
    }
    at = end;
  }
  const cut = span.slice(answers.length).map((block) => endsBefore(block, Math.max(0, at - block.offset)));
  return [...answers, ...cut];
}

function provenChunk(
  primitives: Ports['primitives'],
  { index, listed }: ListedBlock,
  bytes: Uint8Array,
  random: number,
): ProvenChunk {
  const { chunk, path } = proveChunk(primitives, bytes, random);
  const sha256 = primitives.sha256(bytes) as Sha256;
  return { index, size: listed.size, sha256, metaHash: metaHash(primitives, listed.meta), chunk, path };
}
