import type { DatasetId } from '../../core/ids.ts';
import type { Table } from '../../core/ports/table.ts';
import type { LogEntry } from '../state/entries.ts';
import { readSegmentEntry } from '../state/segment-entry.ts';

/** When the batch of an entry of the log was stored, ms since 1970; null where there is no batch. */
export async function readReceived(
  table: Table,
  dataset: DatasetId,
  entry: LogEntry | null,
  signal?: AbortSignal,
): Promise<number | null> {
  if (entry === null || entry.sha256Hex === null) return null;
  const segment = await readSegmentEntry(table, dataset, { first: entry.first, sha256Hex: entry.sha256Hex }, signal);
  return segment?.receivedAtMs ?? null;
}
