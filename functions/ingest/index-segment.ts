import type { DatasetId } from '../../core/ids.ts';
import type { Table } from '../../core/ports/table.ts';
import { changeDatasetEntry } from '../state/dataset-entry.ts';
import { indexByTime, type ReadableSegment } from '../state/segment-entry.ts';

/** Longest spans this process has seen noted: they only grow. */
const notedSpans = new WeakMap<Table, Map<DatasetId, number>>();

/** Makes a segment findable by its capture times. */
export async function indexSegment(
  table: Table,
  dataset: DatasetId,
  entry: ReadableSegment,
  signal?: AbortSignal,
): Promise<void> {
  // The span first: a search by time looks back as far as it says.
  await noteSpan(table, dataset, entry, signal);
  await indexByTime(table, dataset, entry, signal);
}

async function noteSpan(table: Table, dataset: DatasetId, entry: ReadableSegment, signal?: AbortSignal): Promise<void> {
  const noted = notedSpans.get(table) ?? new Map<DatasetId, number>();
  notedSpans.set(table, noted);
  const spanMs = entry.toMs - entry.fromMs;
  if (spanMs <= (noted.get(dataset) ?? -1)) return;
  const { longestSpanMs } = await changeDatasetEntry(
    table,
    dataset,
    (known) => (known.longestSpanMs >= spanMs ? null : { ...known, longestSpanMs: spanMs }),
    signal,
  );
  if (noted.size > 10_000) noted.clear();
  noted.set(dataset, longestSpanMs);
}
