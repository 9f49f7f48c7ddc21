import type { DatasetId, LogRoot } from '../../core/ids.ts';
import type { Head } from '../../core/log/head.ts';
import { EMPTY_ROOT } from '../../core/log/peaks.ts';
import type { TableReader } from '../ports.ts';
import { datasetPk, recordedSk } from './entries.ts';

const NEWEST = { from: recordedSk(0), to: recordedSk(Number.MAX_SAFE_INTEGER), limit: 1, reverse: true };

/** DISSC's final head of a dataset as far as the anchor has noted it: never ahead of the chain, and asking it of nobody else. */
export async function readNotedFinal(table: TableReader, dataset: DatasetId, signal?: AbortSignal): Promise<Head> {
  const [item] = (await table.query(datasetPk(dataset), NEWEST, signal)).items;
  if (item === undefined) return { dataset, size: 0, root: EMPTY_ROOT };
  return { dataset, size: item.size as number, root: item.root as LogRoot };
}
