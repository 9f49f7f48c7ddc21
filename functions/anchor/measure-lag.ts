import type { DatasetId } from '../../core/ids.ts';
import type { Head } from '../../core/log/head.ts';
import { findLogEntry } from '../state/log-entry.ts';
import type { AnchorPorts } from './anchor-ports.ts';
import { readReceived } from './read-received.ts';

/** Counts how long the oldest stored batch that is not final has been stored. */
export async function measureLag(
  { table, observer, runtime }: AnchorPorts,
  dataset: DatasetId,
  final: Head,
  signal?: AbortSignal,
): Promise<void> {
  const oldest = await findLogEntry(table, dataset, final.size, signal);
  const receivedAtMs = await readReceived(table, dataset, oldest, signal);
  if (receivedAtMs === null) return;
  observer.count('Anchor.lagSeconds', Math.max(0, Math.floor((runtime.nowMs() - receivedAtMs) / 1_000)));
}
