import type { DatasetId } from '../../core/ids.ts';
import { MAX_BATCH_BLOCKS } from '../../core/limits.ts';
import type { TableReader } from '../ports.ts';
import type { LogEntry } from '../state/entries.ts';
import { batchOf, findLogEntry } from '../state/log-entry.ts';
import { mapBounded } from '../state/map-bounded.ts';
import { isReadable, type ReadableSegment, readSegmentEntry } from '../state/segment-entry.ts';

/** Blocks that lie in one batch of the verified log. */
export interface LocatedBatch {
  readonly segment: ReadableSegment;
  /** Ascending. */
  readonly indices: readonly number[];
}

export interface LocatedBlocks {
  /** In the order of their first block. */
  readonly batches: readonly LocatedBatch[];
  /** Blocks that the log has by the chain's word alone: nobody has stored them here. */
  readonly lost: readonly number[];
  /** Blocks beyond the log. */
  readonly unrecorded: readonly number[];
}

const PARALLEL = 16;
const LANE_BLOCKS = 64;

/**
 * Finds the batches that hold these blocks: by the verified log, never among uploads. Whatever else lies stored under the same
 * numbers, a block costs two reads.
 */
export async function locateBlocks(
  table: TableReader,
  dataset: DatasetId,
  blocks: readonly number[],
  signal?: AbortSignal,
): Promise<LocatedBlocks> {
  const entries = new Map<number, { readonly entry: LogEntry; readonly indices: number[] }>();
  const unrecorded: number[] = [];
  const lanes = cutLanes([...blocks].sort((a, b) => a - b));
  await mapBounded(lanes, PARALLEL, async (lane) => {
    let last: LogEntry | null = null;
    for (const index of lane) {
      signal?.throwIfAborted();
      if (last === null || index >= last.size) last = await findLogEntry(table, dataset, index, signal);
      if (last === null) {
        unrecorded.push(index);
        continue;
      }
      const known = entries.get(last.first) ?? { entry: last, indices: [] };
      known.indices.push(index);
      entries.set(last.first, known);
    }
  });
  const lost: number[] = [];
  const batches: LocatedBatch[] = [];
  await mapBounded([...entries.values()], PARALLEL, async ({ entry, indices }) => {
    const name = batchOf(entry);
    const segment = name === null ? null : await readSegmentEntry(table, dataset, name, signal);
    indices.sort((a, b) => a - b);
    if (segment !== null && isReadable(segment)) batches.push({ segment, indices });
    else lost.push(...indices);
  });
  batches.sort((a, b) => a.segment.first - b.segment.first);
  return { batches, lost: lost.sort((a, b) => a - b), unrecorded: unrecorded.sort((a, b) => a - b) };
}

/** Runs of blocks to look for one after the other: neighbours that may share a batch, but not too many at a stretch. */
function cutLanes(sorted: readonly number[]): number[][] {
  const lanes: number[][] = [];
  let lane: number[] = [];
  for (const index of sorted) {
    const previous = lane[lane.length - 1];
    if (previous === undefined || index - previous >= MAX_BATCH_BLOCKS || lane.length >= LANE_BLOCKS) {
      lane = [];
      lanes.push(lane);
    }
    lane.push(index);
  }
  return lanes;
}
