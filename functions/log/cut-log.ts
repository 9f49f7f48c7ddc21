import type { DatasetId } from '../../core/ids.ts';
import type { Table } from '../../core/ports/table.ts';
import { deleteRange } from '../state/delete-range.ts';
import { datasetPk, logSk } from '../state/entries.ts';

const LAST_NUMBER = 9_999_999_999;

/** Deletes the log's entries from its end down to `fromBatches`: what is left is a log at every moment. */
export function cutLog(table: Table, dataset: DatasetId, fromBatches: number, signal?: AbortSignal): Promise<void> {
  const range = { from: logSk(fromBatches), to: logSk(LAST_NUMBER) };
  return deleteRange(table, datasetPk(dataset), { ...range, reverse: true }, signal);
}
