import type { DatasetId } from '../../core/ids.ts';
import type { Table } from '../../core/ports/table.ts';
import { deleteRange } from '../state/delete-range.ts';
import { datasetPk, logSk, recordsSk } from '../state/entries.ts';

const LAST_BLOCK = Number.MAX_SAFE_INTEGER;

/**
 * Deletes the log's entries from its end down to the one that begins with this block, and then their records: what is left is a
 * log at every moment.
 */
export async function cutLog(table: Table, dataset: DatasetId, first: number, signal?: AbortSignal): Promise<void> {
  const pk = datasetPk(dataset);
  await deleteRange(table, pk, { from: logSk(first), to: logSk(LAST_BLOCK), reverse: true }, signal);
  await deleteRange(table, pk, { from: recordsSk(first, ''), to: recordsSk(LAST_BLOCK, 'g'), reverse: true }, signal);
}
