import { StoreUnavailableError } from '../../core/errors.ts';
import type { Address, DatasetId } from '../../core/ids.ts';
import type { Table } from '../../core/ports/table.ts';
import { changeDatasetEntry } from './dataset-entry.ts';
import { ASIDE_PK, type DatasetEntry, datasetPk, junkSk } from './entries.ts';
import { queryPages } from './query-pages.ts';

/** What one device may store that is no segment: it is on nobody's account. */
export const MAX_JUNK_BYTES = 256 * 2 ** 20;
export const MAX_JUNK_OBJECTS = 1_000;
const ATTEMPTS = 20;

/** Objects of a device whose bytes are kept aside, for whoever looks for the fault; the others are removed. */
const MOST_KEPT = 100;
const MOST_KEPT_BYTES = 64 * 2 ** 20;

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

/** Whether that is more than a device may have. */
export function isTooMuch({ objects, bytes }: Junk): boolean {
  return objects > MAX_JUNK_OBJECTS || bytes > MAX_JUNK_BYTES;
}

/** Whether the one that was counted last is still kept aside. */
export function isKept({ objects, bytes }: Junk): boolean {
  return objects <= MOST_KEPT && bytes <= MOST_KEPT_BYTES;
}

/**
 * Counts a segment that was turned away for its signer or root: with the junk of the device that writes now, or on an item of
 * its own for one that was replaced, so that its successor does not answer for it.
 */
export async function noteTurnedAway(
  table: Table,
  dataset: DatasetId,
  of: { readonly device: Address; readonly inForce: Address | null; readonly sizeBytes: number },
  signal?: AbortSignal,
): Promise<Junk> {
  const { device, inForce, sizeBytes } = of;
  if (device === inForce) return noteJunk(table, dataset, device, sizeBytes, signal);
  const key = { pk: datasetPk(dataset), sk: junkSk(device) };
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const item = await table.get(key.pk, key.sk, signal);
    const { objects = 0, bytes = 0 } = (item ?? {}) as Partial<Junk>;
    const junk = { objects: 1 + soundOr0(objects), bytes: sizeBytes + soundOr0(bytes) };
    const condition = item === null ? 'absent' : { version: item.version };
    if (await table.put({ ...key, ...junk }, condition, signal)) return junk;
  }
  throw new StoreUnavailableError(`What ${device} has stored of ${dataset} is changing too often. Try again.`);
}

function soundOr0(value: unknown): number {
  return Number.isSafeInteger(value) ? (value as number) : 0;
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
