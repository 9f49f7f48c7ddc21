import type { Fault } from '../../core/ports/css.ts';
import type { ObjectStore } from '../../core/ports/object-store.ts';
import { mapBounded } from '../state/map-bounded.ts';
import { endsBefore, faultOf, type ListedBlock } from './answer-blocks.ts';
import { cutSpans, endOf } from './cut-spans.ts';

/**
 * What one block's bytes become. They are given in order, in one part or in many, whichever way they were read; only when
 * all of them were given is it asked for its answer.
 */
export interface BlockSink<T> {
  /** `part` counts until this returns. */
  take(part: Uint8Array): void;
  answer(): T;
}

/** Of one segment; what lies far apart is waited for together. */
const PARALLEL_SPANS = 4;

/**
 * Answers for whole blocks of one stored object as their bytes stream by: neighbours in one read, one sink of each read at
 * a time, however many blocks there are. A block whose bytes are not all there is a fault.
 * @param blocks ascending
 */
export async function walkBlocks<T>(
  objects: Pick<ObjectStore, 'stream'>,
  key: string,
  blocks: readonly ListedBlock[],
  open: (block: ListedBlock) => BlockSink<T>,
  signal?: AbortSignal,
): Promise<(T | Fault)[]> {
  const answered = await mapBounded(cutSpans(blocks), PARALLEL_SPANS, (span) =>
    walkSpan(objects, key, span, open, signal),
  );
  return answered.flat();
}

async function walkSpan<T>(
  objects: Pick<ObjectStore, 'stream'>,
  key: string,
  span: readonly ListedBlock[],
  open: (block: ListedBlock) => BlockSink<T>,
  signal?: AbortSignal,
): Promise<(T | Fault)[]> {
  const start = (span[0] as ListedBlock).offset;
  const stream = await objects.stream(key, { start, end: endOf(span[span.length - 1] as ListedBlock) }, signal);
  if (stream === null) return span.map(({ index }) => faultOf(index, 'object missing'));
  const answers: T[] = [];
  let at = start;
  let sink: BlockSink<T> | null = null;
  for await (const piece of stream) {
    const end = at + piece.length;
    for (let block = span[answers.length]; block !== undefined && block.offset < end; block = span[answers.length]) {
      sink ??= open(block);
      sink.take(piece.subarray(Math.max(0, block.offset - at), Math.min(piece.length, endOf(block) - at)));
      if (endOf(block) > end) break;
      answers.push(sink.answer());
      sink = null;
    }
    at = end;
  }
  const cut = span.slice(answers.length).map((block) => endsBefore(block, Math.max(0, at - block.offset)));
  return [...answers, ...cut];
}
