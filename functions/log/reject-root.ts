import { StoreUnavailableError } from '../../core/errors.ts';
import type { DatasetId } from '../../core/ids.ts';
import type { Table } from '../../core/ports/table.ts';
import { type StoredSegment, writeSegmentEntry } from '../state/segment-entry.ts';

/** Marks a segment whose records do not lead to its head where the log has come to its place. */
export async function rejectRoot(
  table: Table,
  dataset: DatasetId,
  segment: StoredSegment,
  signal?: AbortSignal,
): Promise<void> {
  const reason = `Its head is not what follows when its records are appended to the ${segment.first} blocks before it.`;
  const entry = { ...segment, state: 'rejected', rejection: 'root', reason } as const;
  requireUnchanged(segment, await writeSegmentEntry(table, dataset, entry, { version: segment.version }, signal));
}

/** Takes a rejection back: the log has taken the segment in. */
export async function readmitSegment(
  table: Table,
  dataset: DatasetId,
  segment: StoredSegment,
  signal?: AbortSignal,
): Promise<void> {
  const { rejection: _, reason: __, ...rest } = segment;
  const entry = { ...rest, state: 'received' } as const;
  requireUnchanged(segment, await writeSegmentEntry(table, dataset, entry, { version: segment.version }, signal));
}

function requireUnchanged({ key }: StoredSegment, isWritten: boolean): void {
  if (!isWritten) throw new StoreUnavailableError(`The entry of ${key} has changed meanwhile. Try again.`);
}
