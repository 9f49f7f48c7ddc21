import type { Address, DatasetId } from '../../core/ids.ts';
import type { Table } from '../../core/ports/table.ts';
import { changeDatasetEntry } from './dataset-entry.ts';
import { ASIDE_PK, type DatasetEntry } from './entries.ts';
import { queryPages } from './query-pages.ts';

/** What one device may store that is no segment: it is on nobody's account. */
export const MAX_JUNK_BYTES = 256 * 2 ** 20;
export const MAX_JUNK_OBJECTS = 1_000;

export interface Junk {
  readonly bytes: number;
  readonly objects: number;
}

/** What a device has stored that can never become a segment. */
export function junkOf({ junkBy, junkBytes = 0, junkObjects = 0 }: DatasetEntry, device: Address): Junk {
  return junkBy === device ? { bytes: junkBytes, objects: junkObjects } : { bytes: 0, objects: 0 };
}

/** Counts such an object against the device; answers with all that it has. */
export async function noteJunk(
  table: Table,
  dataset: DatasetId,
  device: Address,
  sizeBytes: number,
  signal?: AbortSignal,
): Promise<Junk> {
  const change = (entry: DatasetEntry): DatasetEntry => {
    const { bytes, objects } = junkOf(entry, device);
    return { ...entry, junkBy: device, junkBytes: bytes + sizeBytes, junkObjects: objects + 1 };
  };
  return junkOf(await changeDatasetEntry(table, dataset, change, signal), device);
}

/** An object that is to be set aside. */
export interface Aside {
  readonly key: string;
  /** Whether it is kept for a while, or a device has so many that this one is only removed. */
  readonly isKept: boolean;
}

export async function noteAside(table: Table, { key, isKept }: Aside, signal?: AbortSignal): Promise<void> {
  await table.put({ pk: ASIDE_PK, sk: key, isKept }, 'any', signal);
}

export async function* readAside(table: Pick<Table, 'query'>, signal?: AbortSignal): AsyncGenerator<Aside> {
  for await (const items of queryPages(table, ASIDE_PK, { from: '0', to: 'g' }, signal)) {
    for (const { sk, isKept } of items) yield { key: sk, isKept: isKept === true };
  }
}

export async function forgetAside(table: Table, { key }: Pick<Aside, 'key'>, signal?: AbortSignal): Promise<void> {
  await table.delete(ASIDE_PK, key, 'any', signal);
}
