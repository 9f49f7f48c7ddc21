import type { DatasetId } from '../../core/ids.ts';
import type { Table } from '../../core/ports/table.ts';
import { changeDatasetEntry } from '../state/dataset-entry.ts';
import { indexByTime, MAX_SPAN_MS, type ReadableSegment } from '../state/segment-entry.ts';
import type { SegmentMemory } from './segment-memory.ts';

interface Ports {
  readonly table: Table;
  readonly memory: Pick<SegmentMemory, 'spansMs'>;
}

/** Makes a segment findable by its capture times. */
export async function indexSegment(
  ports: Ports,
  dataset: DatasetId,
  entry: ReadableSegment,
  signal?: AbortSignal,
): Promise<void> {
  // The span first: a search by time looks back as far as it says.
  await noteSpan(ports, dataset, entry, signal);
  await indexByTime(ports.table, dataset, entry, signal);
}

async function noteSpan(
  { table, memory }: Ports,
  dataset: DatasetId,
  entry: ReadableSegment,
  signal?: AbortSignal,
): Promise<void> {
  const spanMs = entry.toMs - entry.fromMs;
  // It stands at both of its ends.
  if (spanMs > MAX_SPAN_MS) return;
  if (spanMs <= (memory.spansMs.get(dataset) ?? -1)) return;
  const { longestSpanMs } = await changeDatasetEntry(
    table,
    dataset,
    (known) => (known.longestSpanMs >= spanMs ? null : { ...known, longestSpanMs: spanMs }),
    signal,
  );
  memory.spansMs.set(dataset, longestSpanMs);
}
