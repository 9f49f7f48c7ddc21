import type { ManifestBlock } from '../../core/batch/manifest-fields.ts';
import type { SegmentFront } from '../../core/batch/read-segment.ts';
import { StoreUnavailableError } from '../../core/errors.ts';
import type { DatasetId } from '../../core/ids.ts';
import { MAX_REQUEST_STORED_BYTES } from '../../core/limits.ts';
import type { Answers, Fault } from '../../core/ports/css.ts';
import { readFront } from '../log/read-front.ts';
import type { ObjectReader, ReadingPorts } from '../ports.ts';
import { mapBounded } from '../state/map-bounded.ts';
import type { ReadableSegment } from '../state/segment-entry.ts';
import { holdSmallObject } from './hold-small-object.ts';
import { type LocatedBatch, locateBlocks } from './locate-blocks.ts';

/** A block as the stored manifest lists it. */
export interface ListedBlock {
  readonly index: number;
  readonly listed: ManifestBlock;
  /** Offset of its first byte in the object. */
  readonly offset: number;
}

/** Answers for listed blocks of one segment, ascending, some of them adjacent, from the object store it is given. */
export type AnswerListed<T> = (
  objects: ObjectReader,
  segment: ReadableSegment,
  blocks: readonly ListedBlock[],
) => Promise<(T | Fault)[]>;

type Ports = ReadingPorts;

const PARALLEL_SEGMENTS = 4;
/** Where the store is slow, the blocks of segments not begun by then remain, and a request is answered in its time. */
const BEGIN_WITHIN_MS = 10_000;

interface Budget {
  leftBytes: number;
  /** By the monotonic clock. */
  readonly beginBeforeMs: number;
}

/**
 * Finds blocks, reads the fronts of their segments and has them answered, segment by segment. What is stored is at most
 * read up to 64 MiB, and for ten seconds; the blocks behind that remain. A segment that cannot be read costs its own blocks only.
 * @throws StoreUnavailableError when the store answers for none of them
 */
export async function answerBlocks<T extends { readonly index: number }>(
  ports: Ports,
  dataset: DatasetId,
  blocks: readonly number[],
  answer: AnswerListed<T>,
  signal?: AbortSignal,
): Promise<Answers<T>> {
  const located = await locateBlocks(ports.table, dataset, blocks, signal);
  const budget = { leftBytes: MAX_REQUEST_STORED_BYTES, beginBeforeMs: ports.runtime.monotonicMs() + BEGIN_WITHIN_MS };
  const remaining: number[] = [];
  const failures: StoreUnavailableError[] = [];
  const parts = await mapBounded(located.batches, PARALLEL_SEGMENTS, async (batch): Promise<(T | Fault)[]> => {
    try {
      return await answerBatch(ports, batch, answer, budget, remaining, signal);
    } catch (error) {
      if (!(error instanceof StoreUnavailableError)) throw error;
      signal?.throwIfAborted();
      failures.push(error);
      ports.observer.warn('segment not readable', { key: batch.segment.key, error });
      return batch.indices
        .filter((index) => !remaining.includes(index))
        .map((index) => faultOf(index, 'the object store does not answer for this segment'));
    }
  });
  if (failures.length > 0 && failures.length === located.batches.length) throw failures[0] as StoreUnavailableError;
  const unrecorded = located.unrecorded.map((index): Fault => {
    return { index, kind: 'unrecorded', reason: 'No stored batch of the log has this block.' };
  });
  const lost = located.lost.map((index) => faultOf(index, 'no storage has it, although the chain has a head over it'));
  // In the order asked for.
  const byIndex = new Map([...parts.flat(), ...lost, ...unrecorded].map((one) => [one.index, one]));
  const answers = blocks.flatMap((index) => byIndex.get(index) ?? []);
  return { answers, remaining: remaining.sort((a, b) => a - b) };
}

async function answerBatch<T extends { readonly index: number }>(
  ports: Ports,
  batch: LocatedBatch,
  answer: AnswerListed<T>,
  budget: Budget,
  remaining: number[],
  signal?: AbortSignal,
): Promise<(T | Fault)[]> {
  const { segment, indices } = batch;
  const isFirst = budget.leftBytes === MAX_REQUEST_STORED_BYTES;
  if (!isFirst && (budget.leftBytes < segment.frontBytes || ports.runtime.monotonicMs() > budget.beginBeforeMs)) {
    remaining.push(...indices);
    return [];
  }
  budget.leftBytes -= segment.frontBytes;
  const objects = await holdSmallObject(ports.objects, segment, signal);
  const front = await readFront({ ...ports, objects }, segment, signal);
  if ('damage' in front) return indices.map((index) => faultOf(index, front.damage));
  const listed = indices.map((index) => listBlock(front, index));
  const taken: ListedBlock[] = [];
  const faults: Fault[] = [];
  for (const block of listed) {
    if ('kind' in block) faults.push(block);
    else if (budget.leftBytes < block.listed.size) remaining.push(block.index);
    else {
      budget.leftBytes -= block.listed.size;
      taken.push(block);
    }
  }
  return [...faults, ...(taken.length === 0 ? [] : await answer(objects, segment, taken))];
}

/** Where the stored manifest says a block is. */
export function listBlock({ manifest, offsets }: SegmentFront, index: number): ListedBlock | Fault {
  const listed = manifest.blocks[index - manifest.first];
  const offset = offsets[index - manifest.first];
  if (listed !== undefined && offset !== undefined) return { index, listed, offset };
  const last = manifest.first + manifest.blocks.length - 1;
  return faultOf(index, `the stored segment holds blocks ${manifest.first} to ${last}, not this one`);
}

export function faultOf(index: number, reason: string): Fault {
  return { index, kind: 'unavailable', reason };
}

/** What is said of a block whose bytes are not all there. */
export function endsBefore(block: ListedBlock, availableBytes: number): Fault {
  return faultOf(
    block.index,
    `object ends before the block: ${availableBytes} of its ${block.listed.size} bytes are stored`,
  );
}
