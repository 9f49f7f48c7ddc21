import { StoreUnavailableError } from '../../core/errors.ts';
import type { DatasetId } from '../../core/ids.ts';
import type { Item, Table } from '../../core/ports/table.ts';
import { DATASET_SK, type DatasetEntry, datasetPk, WORK_PK } from './entries.ts';

const ATTEMPTS = 20;

export async function readDatasetEntry(table: Table, dataset: DatasetId, signal?: AbortSignal): Promise<DatasetEntry> {
  return entryOf(await table.get(datasetPk(dataset), DATASET_SK, signal));
}

/**
 * Changes the dataset's entry as if nobody else were writing it; `change` answers null when nothing is to be changed.
 * @throws StoreUnavailableError when others keep winning
 */
export async function changeDatasetEntry(
  table: Table,
  dataset: DatasetId,
  change: (entry: DatasetEntry) => DatasetEntry | null,
  signal?: AbortSignal,
): Promise<DatasetEntry> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const item = await table.get(datasetPk(dataset), DATASET_SK, signal);
    const entry = entryOf(item);
    const changed = change(entry);
    if (changed === null) return entry;
    const condition = item === null ? 'absent' : { version: item.version };
    if (await table.put({ pk: datasetPk(dataset), sk: DATASET_SK, ...changed }, condition, signal)) return changed;
  }
  throw new StoreUnavailableError(`The entry of dataset ${dataset} is changing too often. Try again.`);
}

/** Tells the anchor that this dataset's log may be ahead of the chain. Each call changes the item's version. */
export async function markWork(table: Table, dataset: DatasetId, signal?: AbortSignal): Promise<void> {
  await table.put({ pk: WORK_PK, sk: dataset }, 'any', signal);
}

function entryOf(item: Item | null): DatasetEntry {
  if (item === null) return { longestSpanMs: 0 };
  const { pk: _, sk: __, version: ___, ...entry } = item;
  return entry as unknown as DatasetEntry;
}
