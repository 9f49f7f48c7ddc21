import type { DatasetId } from '../../core/ids.ts';
import type { Table } from '../../core/ports/table.ts';
import { segmentSk } from '../state/entries.ts';
import { isReadable, segmentPages } from '../state/segment-entry.ts';
import { noteWaiting } from '../state/waiting-entry.ts';

const MAX_LISTED = 10_000;
const LAST_BLOCK = Number.MAX_SAFE_INTEGER;

/**
 * After the log was cut: notes which stored segments may follow behind it now, those among them that did not fit before. The
 * log takes in what does (`extendLog`).
 */
export async function awaitSegments(
  table: Table,
  dataset: DatasetId,
  fromBlock: number,
  signal?: AbortSignal,
): Promise<void> {
  let listed = 0;
  const range = { from: segmentSk(fromBlock, ''), to: segmentSk(LAST_BLOCK, 'g') };
  for await (const page of segmentPages(table, dataset, range, signal)) {
    for (const entry of page) {
      const mayFit = entry.state === 'received' || entry.rejection === 'root';
      if (isReadable(entry) && mayFit) await noteWaiting(table, dataset, entry, signal);
    }
    listed += page.length;
    if (listed >= MAX_LISTED) break;
  }
}
