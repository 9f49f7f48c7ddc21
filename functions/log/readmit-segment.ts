import type { DatasetId } from '../../core/ids.ts';
import type { Table } from '../../core/ports/table.ts';
import { type StoredSegment, writeSegmentEntry } from '../state/segment-entry.ts';

/** Takes a rejection back. False when the segment's entry has changed meanwhile. */
export function readmitSegment(
  table: Table,
  dataset: DatasetId,
  segment: StoredSegment,
  signal?: AbortSignal,
): Promise<boolean> {
  const { rejection: _, reason: __, ...rest } = segment;
  return writeSegmentEntry(table, dataset, { ...rest, state: 'received' }, { version: segment.version }, signal);
}
