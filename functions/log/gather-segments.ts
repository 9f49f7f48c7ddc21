import type { DatasetId } from '../../core/ids.ts';
import { MAX_BATCH_BLOCKS } from '../../core/limits.ts';
import type { Table } from '../../core/ports/table.ts';
import { segmentSk } from '../state/entries.ts';
import { isReadable, querySegments, type ReadableSegment, type StoredSegment } from '../state/segment-entry.ts';

export type Segment = StoredSegment & ReadableSegment;

const PAGE = 256;

/**
 * Finds readable segments by where their batch ends; their place is not verified. Reads the dataset's segments once, from
 * block `size` backwards, as far as is asked for: so it has to be asked from the end to the beginning.
 */
export function gatherSegments(table: Table, dataset: DatasetId, size: number, signal?: AbortSignal) {
  const byEnd = new Map<number, Segment[]>();
  let to: string | null = segmentSk(size, '');
  // Every segment that begins at this block or later has been read.
  let readDownTo = size;
  const readPage = async (until: string): Promise<void> => {
    const range = { from: segmentSk(0, ''), to: until, limit: PAGE, reverse: true };
    const { entries, next } = await querySegments(table, dataset, range, signal);
    for (const entry of entries) {
      if (isReadable(entry)) byEnd.set(entry.headSize, [...(byEnd.get(entry.headSize) ?? []), entry as Segment]);
    }
    // Rivals with the same first block may follow on the next page.
    readDownTo = next === null ? 0 : (entries.at(-1)?.first ?? 0) + 1;
    to = next;
  };
  return async (end: number, batches: number): Promise<Segment[]> => {
    while (to !== null && readDownTo > Math.max(0, end - MAX_BATCH_BLOCKS)) await readPage(to);
    return (byEnd.get(end) ?? []).filter((segment) => segment.headBatches === batches);
  };
}
