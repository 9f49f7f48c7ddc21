import { StoreUnavailableError } from '../../core/errors.ts';
import type { Address } from '../../core/ids.ts';
import type { Item, Table } from '../../core/ports/table.ts';
import { ownerPk, USAGE_SK, type UsageEntry } from './entries.ts';

const ATTEMPTS = 50;
// Stays far below what one item may hold, whatever crashes.
const MAX_PENDING = 500;

export interface Counting {
  readonly key: string;
  readonly sizeBytes: number;
  readonly quotaBytes: number;
  /** Whether the segment of this key says that it is counted. Read anew at every call. */
  readonly isCounted: (key: string) => Promise<boolean>;
}

export async function readStoredBytes(table: Table, owner: Address, signal?: AbortSignal): Promise<number> {
  return usageOf(await table.get(ownerPk(owner), USAGE_SK, signal)).storedBytes;
}

/**
 * Counts a stored segment in its owner's usage: once, whatever repeats, races or crashes, and never beyond the quota.
 * False when there is no room.
 *
 * Usage and segment are two items and there are no transactions. So the usage names the keys it has counted until their
 * segments say so themselves. As a segment says so only after that, and leaves the list only after that, a process that
 * reads the usage first and the segment second sees a counted key in one of the two; and whatever happens in between
 * changes the usage's version.
 */
export async function countStored(
  table: Table,
  owner: Address,
  segment: Counting,
  signal?: AbortSignal,
): Promise<boolean> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const item = await table.get(ownerPk(owner), USAGE_SK, signal);
    const usage = usageOf(item);
    const pending = JSON.parse(usage.pending) as string[];
    if (pending.includes(segment.key) || (await segment.isCounted(segment.key))) return true;
    const storedBytes = usage.storedBytes + segment.sizeBytes;
    if (storedBytes > segment.quotaBytes) return false;
    const settled = await findSettled(pending, segment.isCounted);
    const changed: UsageEntry = {
      storedBytes,
      pending: JSON.stringify([...pending.filter((key) => !settled.has(key)), segment.key]),
    };
    const condition = item === null ? 'absent' : { version: item.version };
    if (await table.put({ pk: ownerPk(owner), sk: USAGE_SK, ...changed }, condition, signal)) return true;
  }
  throw new StoreUnavailableError(`The usage of owner ${owner} is changing too often. Try again.`);
}

/** The oldest pending keys that are counted by now: a few at a time, so that the list shrinks faster than it grows. */
async function findSettled(
  pending: readonly string[],
  isCounted: (key: string) => Promise<boolean>,
): Promise<ReadonlySet<string>> {
  const looked = pending.length > MAX_PENDING ? pending : pending.slice(0, 2);
  const answers = await Promise.all(looked.map(async (key) => ((await isCounted(key)) ? [key] : [])));
  return new Set(answers.flat());
}

function usageOf(item: Item | null): UsageEntry {
  return item === null ? { storedBytes: 0, pending: '[]' } : (item as unknown as UsageEntry);
}
