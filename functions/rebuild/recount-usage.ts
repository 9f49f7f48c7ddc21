import { StoreUnavailableError } from '../../core/errors.ts';
import type { Address, DatasetId } from '../../core/ids.ts';
import type { Table } from '../../core/ports/table.ts';
import { ownerPk, segmentSk, usageSk } from '../state/entries.ts';
import { segmentPages } from '../state/segment-entry.ts';
import { pendingOf } from '../state/usage-entry.ts';

const ATTEMPTS = 10;

/**
 * Counts a dataset's stored bytes anew, by what its segments say. What is just being counted changes the item's version, and
 * then it is counted again.
 * @returns whether another number stood there
 */
export async function recountUsage(
  table: Table,
  owner: Address,
  dataset: DatasetId,
  signal?: AbortSignal,
): Promise<boolean> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const item = await table.get(ownerPk(owner), usageSk(dataset), signal);
    const pending = new Set(pendingOf({ pending: String(item?.pending) }));
    const storedBytes = await sumStored(table, dataset, pending, signal);
    if (item?.storedBytes === storedBytes) return false;
    const usage = { pk: ownerPk(owner), sk: usageSk(dataset), storedBytes, pending: JSON.stringify([...pending]) };
    if (await table.put(usage, item === null ? 'absent' : { version: item.version }, signal)) return item !== null;
  }
  throw new StoreUnavailableError(
    `The usage of owner ${owner} in dataset ${dataset} is changing too often. Try again.`,
  );
}

async function sumStored(
  table: Table,
  dataset: DatasetId,
  pending: ReadonlySet<string>,
  signal?: AbortSignal,
): Promise<number> {
  let bytes = 0;
  const range = { from: segmentSk(0, ''), to: segmentSk(Number.MAX_SAFE_INTEGER, 'g') };
  for await (const page of segmentPages(table, dataset, range, signal)) {
    for (const { key, counted, sizeBytes } of page) if (counted || pending.has(key)) bytes += sizeBytes;
  }
  return bytes;
}
