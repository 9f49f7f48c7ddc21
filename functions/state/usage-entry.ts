import { StoreUnavailableError } from '../../core/errors.ts';
import type { Address } from '../../core/ids.ts';
import type { Runtime } from '../../core/ports/runtime.ts';
import type { Item, Table } from '../../core/ports/table.ts';
import { ownerPk, USAGE_SK, type UsageEntry } from './entries.ts';
import type { StoredUsage, UsageMemory } from './usage-memory.ts';

const ATTEMPTS = 50;
const FAST_ATTEMPTS = 4;
const LONGEST_WAIT_MS = 64;
// Stays far below what one item may hold, whatever crashes.
const MAX_PENDING = 500;

export interface Counting {
  readonly key: string;
  readonly sizeBytes: number;
  readonly quotaBytes: number;
  /** When it was known that the segment does not say that it is counted: the memory's moment, taken before it was read. */
  readonly uncountedSince: number;
  /** Whether the segment of a key says that it is counted. Read anew at every call. */
  readonly isCounted: (key: string) => Promise<boolean>;
}

interface Ports {
  readonly table: Table;
  readonly usage: UsageMemory;
  readonly runtime: Pick<Runtime, 'sleep' | 'random'>;
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
 * knows the usage first and reads the segment second sees a counted key in one of the two; and whatever happens in between
 * changes the usage's version.
 */
export async function countStored(
  ports: Ports,
  owner: Address,
  segment: Counting,
  signal?: AbortSignal,
): Promise<boolean> {
  const { table, usage: memory } = ports;
  // Only what was known before the segment was read: see above.
  let stored = memory.before(segment.uncountedSince, owner);
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const isFresh = stored === null;
    stored ??= await readUsage(table, owner, signal);
    const pending = pendingOf(stored.usage);
    if (pending.includes(segment.key) || (isFresh && (await segment.isCounted(segment.key)))) return true;
    const storedBytes = stored.usage.storedBytes + segment.sizeBytes;
    // What is remembered may be old: room is denied only by what was read.
    if (storedBytes > segment.quotaBytes && isFresh) return false;
    if (storedBytes <= segment.quotaBytes) {
      const settled = await findSettled(pending, memory, segment.isCounted);
      const left = pending.filter((key) => !settled.has(key));
      const usage: UsageEntry = { storedBytes, pending: JSON.stringify([...left, segment.key]) };
      if (await writeUsage(ports, owner, stored, usage, signal)) return true;
    }
    memory.forget(owner);
    stored = null;
    // Who loses again and again steps out of the others' step.
    if (attempt >= FAST_ATTEMPTS)
      await ports.runtime.sleep(1 + Math.floor(ports.runtime.random() * LONGEST_WAIT_MS), signal);
  }
  throw new StoreUnavailableError(`The usage of owner ${owner} is changing too often. Try again.`);
}

async function readUsage(table: Table, owner: Address, signal?: AbortSignal): Promise<StoredUsage> {
  const item = await table.get(ownerPk(owner), USAGE_SK, signal);
  return { usage: usageOf(item), version: item?.version ?? null };
}

async function writeUsage(
  { table, usage: memory }: Ports,
  owner: Address,
  before: StoredUsage,
  usage: UsageEntry,
  signal?: AbortSignal,
): Promise<boolean> {
  const condition = before.version === null ? 'absent' : { version: before.version };
  if (!(await table.put({ pk: ownerPk(owner), sk: USAGE_SK, ...usage }, condition, signal))) return false;
  memory.keep(owner, { usage, version: (before.version ?? 0) + 1 });
  return true;
}

/** The oldest pending keys that are counted by now: a few at a time, so that the list shrinks faster than it grows. */
async function findSettled(
  pending: readonly string[],
  known: UsageMemory,
  isCounted: (key: string) => Promise<boolean>,
): Promise<ReadonlySet<string>> {
  const settled = new Set(pending.filter((key) => known.isCounted(key)));
  const open = pending.filter((key) => !settled.has(key));
  const looked = open.length > MAX_PENDING ? open : open.slice(0, 2);
  await Promise.all(
    looked.map(async (key) => {
      if (await isCounted(key)) settled.add(key);
    }),
  );
  return settled;
}

/** What is damaged begins anew; a rebuild counts it right. */
function usageOf(item: Item | null): UsageEntry {
  const { storedBytes, pending }: Partial<Record<string, unknown>> = item ?? {};
  return {
    storedBytes: typeof storedBytes === 'number' && Number.isSafeInteger(storedBytes) ? storedBytes : 0,
    pending: typeof pending === 'string' ? pending : '[]',
  };
}

/** Segments that are counted, and may not say so yet. */
export function pendingOf({ pending }: Pick<UsageEntry, 'pending'>): string[] {
  try {
    const keys: unknown = JSON.parse(pending);
    return Array.isArray(keys) ? keys.filter((key) => typeof key === 'string') : [];
  } catch {
    return [];
  }
}
