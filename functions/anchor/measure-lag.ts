import type { DatasetId } from '../../core/ids.ts';
import type { Head } from '../../core/log/head.ts';
import { readLogEntry } from '../state/log-entry.ts';
import { readSegmentEntry } from '../state/segment-entry.ts';
import type { AnchorPorts } from './anchor-ports.ts';

/** Counts how long the oldest stored batch that is not final has been stored. */
export async function measureLag(
  { table, observer, runtime }: AnchorPorts,
  dataset: DatasetId,
  final: Head,
  signal?: AbortSignal,
): Promise<void> {
  const oldest = await readLogEntry(table, dataset, final.batches + 1, signal);
  const segment = oldest === null ? null : await readSegmentEntry(table, dataset, oldest, signal);
  if (segment === null) return;
  observer.count('Anchor.lagSeconds', Math.max(0, Math.floor((runtime.nowMs() - segment.receivedAtMs) / 1_000)));
}
