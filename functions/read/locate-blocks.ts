import type { DatasetId } from '../../core/ids.ts';
import { MAX_BATCH_BLOCKS } from '../../core/limits.ts';
import type { Table } from '../../core/ports/table.ts';
import { type LogEntry, segmentSk } from '../state/entries.ts';
import { readLogEntry } from '../state/log-entry.ts';
import { mapBounded } from '../state/map-bounded.ts';
import { isReadable, querySegments, type ReadableSegment } from '../state/segment-entry.ts';

/** Blocks that lie in one batch of the verified log. */
export interface LocatedBatch {
  readonly segment: ReadableSegment;
  readonly log: LogEntry;
  /** Ascending. */
  readonly indices: readonly number[];
}

export interface LocatedBlocks {
  /** In the order of their first block. */
  readonly batches: readonly LocatedBatch[];
  /** Blocks in no batch of the log. */
  readonly unrecorded: readonly number[];
}

const PARALLEL = 16;
const LANE_BLOCKS = 64;
const PAGE = 8;
// A device that stores more rivals than this around one block gets no answer for it: its own doing.
const MAX_PAGES = 256;

/** Finds the batches of the verified log that hold these blocks. */
export async function locateBlocks(
  table: Table,
  dataset: DatasetId,
  blocks: readonly number[],
  signal?: AbortSignal,
): Promise<LocatedBlocks> {
  const sorted = [...blocks].sort((a, b) => a - b);
  const found = new Map<number, { segment: ReadableSegment; log: LogEntry; indices: number[] }>();
  const unrecorded: number[] = [];
  const lanes = cutLanes(sorted);
  await mapBounded(lanes, PARALLEL, async (lane) => {
    let last: { segment: ReadableSegment; log: LogEntry } | null = null;
    for (const index of lane) {
      signal?.throwIfAborted();
      if (last === null || index >= last.log.first + last.log.count)
        last = await locateBlock(table, dataset, index, signal);
      if (last === null) {
        unrecorded.push(index);
        continue;
      }
      const known = found.get(last.log.batches) ?? { ...last, indices: [] };
      known.indices.push(index);
      found.set(last.log.batches, known);
    }
  });
  const batches = [...found.values()].sort((a, b) => a.log.first - b.log.first);
  for (const batch of batches) batch.indices.sort((a, b) => a - b);
  return { batches, unrecorded: unrecorded.sort((a, b) => a - b) };
}

/** The batch of the log that holds this block: of the segments that may, the one whose place in the log is its own. */
async function locateBlock(
  table: Table,
  dataset: DatasetId,
  index: number,
  signal?: AbortSignal,
): Promise<{ segment: ReadableSegment; log: LogEntry } | null> {
  const from = segmentSk(Math.max(0, index - MAX_BATCH_BLOCKS + 1), '');
  let to: string | null = segmentSk(index, 'g');
  for (let page = 0; page < MAX_PAGES && to !== null; page++) {
    const range = { from, to, limit: PAGE, reverse: true };
    const { entries, next } = await querySegments(table, dataset, range, signal);
    for (const entry of entries) {
      if (!isReadable(entry) || entry.first + entry.count <= index) continue;
      const log = await readLogEntry(table, dataset, entry.headBatches, signal);
      if (log?.sha256Hex === entry.sha256Hex && log.first === entry.first) return { segment: entry, log };
    }
    to = next;
  }
  return null;
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
