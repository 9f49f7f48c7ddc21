import { StoreUnavailableError } from '../../core/errors.ts';
import type { Address, DatasetId } from '../../core/ids.ts';
import type { Runtime } from '../../core/ports/runtime.ts';
import type { Item, Table } from '../../core/ports/table.ts';
import { ownerPk, type UsageEntry, usageSk } from './entries.ts';
import { queryPages } from './query-pages.ts';
import type { OwnerUsage, StoredUsage, UsageMemory } from './usage-memory.ts';

const ATTEMPTS = 50;
const FAST_ATTEMPTS = 4;
const LONGEST_WAIT_MS = 64;
// Stays far below what one item may hold, whatever crashes.
const MAX_PENDING = 500;
/** Before the key of a segment whose bytes were taken off, and whose entry may not say so yet. */
const TAKEN_OFF = '-';

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
  readonly runtime: Pick<Runtime, 'sleep' | 'random' | 'monotonicMs'>;
}

/** Whose usage a segment counts in. */
interface Account {
  readonly owner: Address;
  readonly dataset: DatasetId;
}

/** An owner's datasets are read in pages of so many. */
const DATASETS_PER_QUERY = 1_000;
/** How old may be what the owner's other datasets are known to have, as long as that leaves room. */
const OTHERS_KEPT_MS = 600_000;
/** Of the quota: from there on they are read anew, as often as that may be. */
const NEAR = 0.9;
/** An owner of few datasets is read each time; one of many every so often for each of them, so that reading costs the same. */
const FEW_DATASETS = 100;
const PAUSE_A_DATASET_MS = 5;

/** How long what is known of an owner's usage is good enough where it leaves little room: 50 s for 10,000 datasets. */
export function pauseNearQuotaMs(datasets: number): number {
  return datasets <= FEW_DATASETS ? 0 : Math.min(OTHERS_KEPT_MS, PAUSE_A_DATASET_MS * datasets);
}

/** Bytes stored in each of an owner's datasets. */
export async function readOwnerUsage(
  table: Pick<Table, 'query'>,
  owner: Address,
  signal?: AbortSignal,
): Promise<ReadonlyMap<DatasetId, number>> {
  const byDataset = new Map<DatasetId, number>();
  const range = { from: usageSk('0x'), to: usageSk('0xg'), page: DATASETS_PER_QUERY };
  for await (const items of queryPages(table, ownerPk(owner), range, signal)) {
    for (const item of items)
      byDataset.set(item.sk.slice(item.sk.indexOf('#') + 1) as DatasetId, usageOf(item).storedBytes);
  }
  return byDataset;
}

/** What an owner has stored, and in how many datasets. */
export async function readStored(
  table: Pick<Table, 'query'>,
  owner: Address,
  signal?: AbortSignal,
): Promise<{ readonly bytes: number; readonly datasets: number }> {
  const byDataset = await readOwnerUsage(table, owner, signal);
  return { bytes: sumOf(byDataset), datasets: byDataset.size };
}

/**
 * Counts a stored segment in its owner's usage: once, whatever repeats, races or crashes, and not beyond the quota. False when
 * there is no room. Each dataset has an item of its own, so that those of one owner do not hold each other up; what several of
 * them count at one moment, near the quota, may exceed it by that, and of an owner of many datasets what others count within
 * the pause (pauseNearQuotaMs).
 *
 * Usage and segment are two items and there are no transactions. So the usage names the keys it has counted until their
 * segments say so themselves. As a segment says so only after that, and leaves the list only after that, a process that
 * knows the usage first and reads the segment second sees a counted key in one of the two; and whatever happens in between
 * changes the usage's version.
 */
export async function countStored(
  ports: Ports,
  account: Account,
  segment: Counting,
  signal?: AbortSignal,
): Promise<boolean> {
  const { table, usage: memory } = ports;
  // Only what was known before the segment was read: see above.
  const { owner, dataset } = account;
  let stored = memory.before(segment.uncountedSince, dataset);
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const isFresh = stored === null;
    stored ??= await readUsage(table, account, signal);
    const pending = pendingOf(stored.usage);
    if (pending.includes(segment.key) || (isFresh && (await segment.isCounted(segment.key)))) return true;
    const storedBytes = stored.usage.storedBytes + segment.sizeBytes;
    const roomBytes = segment.quotaBytes - (await othersOf(ports, account, storedBytes, segment.quotaBytes, signal));
    // What is remembered may be old: room is denied only by what was read.
    if (storedBytes > roomBytes && isFresh) return false;
    if (storedBytes <= roomBytes) {
      const settled = await findSettled(pending, memory, segment.isCounted);
      const left = pending.filter((key) => !settled.has(key) && key !== TAKEN_OFF + segment.key);
      const usage: UsageEntry = { storedBytes, pending: JSON.stringify([...left, segment.key]) };
      if (await writeUsage(ports, account, stored, usage, signal)) return true;
    }
    memory.forget(dataset);
    stored = null;
    // Who loses again and again steps out of the others' step.
    if (attempt >= FAST_ATTEMPTS)
      await ports.runtime.sleep(1 + Math.floor(ports.runtime.random() * LONGEST_WAIT_MS), signal);
  }
  throw new StoreUnavailableError(
    `The usage of owner ${owner} in dataset ${dataset} is changing too often. Try again.`,
  );
}

/**
 * Takes segments' bytes off again, once, however often it is called before their entries say that they are not counted. As long
 * as they may say otherwise, the usage names them with a minus.
 */
export async function giveBack(
  table: Table,
  { owner, dataset }: Account,
  segments: readonly Pick<Counting, 'key' | 'sizeBytes'>[],
  isCounted: Counting['isCounted'],
  signal?: AbortSignal,
): Promise<void> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const { usage, version } = await readUsage(table, { owner, dataset }, signal);
    if (version === null) return;
    const pending = pendingOf(usage);
    // The usage first and the segments second, as where they are counted.
    const says = await Promise.all(segments.map(({ key }) => isCounted(key)));
    const open = segments.filter(({ key }, i) => says[i] === true && !pending.includes(TAKEN_OFF + key));
    if (open.length === 0) return;
    const keys = new Set(open.map(({ key }) => key));
    const left = pending.filter((key) => !keys.has(key));
    const bytes = open.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
    const changed: UsageEntry = {
      storedBytes: Math.max(0, usage.storedBytes - bytes),
      pending: JSON.stringify([...left, ...[...keys].map((key) => TAKEN_OFF + key)]),
    };
    if (await table.put({ pk: ownerPk(owner), sk: usageSk(dataset), ...changed }, { version }, signal)) return;
  }
  throw new StoreUnavailableError(
    `The usage of owner ${owner} in dataset ${dataset} is changing too often. Try again.`,
  );
}

/** What the owner's other datasets have, as it was lately; read anew where that would leave little room. */
async function othersOf(
  { table, usage: memory, runtime }: Ports,
  { owner, dataset }: Account,
  ownBytes: number,
  quotaBytes: number,
  signal?: AbortSignal,
): Promise<number> {
  const othersIn = ({ byDataset, totalBytes }: OwnerUsage) => totalBytes - (byDataset.get(dataset) ?? 0);
  const known = memory.ownerUsage(owner);
  const ageMs = known === null ? Number.POSITIVE_INFINITY : runtime.monotonicMs() - known.atMs;
  if (known !== null && ageMs < pauseNearQuotaMs(known.byDataset.size)) return othersIn(known);
  if (known !== null && ageMs < OTHERS_KEPT_MS && othersIn(known) + ownBytes <= NEAR * quotaBytes)
    return othersIn(known);
  const byDataset = await readOwnerUsage(table, owner, signal);
  const read = { byDataset, totalBytes: sumOf(byDataset), atMs: runtime.monotonicMs() };
  memory.keepOwnerUsage(owner, read);
  return othersIn(read);
}

function sumOf(byDataset: ReadonlyMap<DatasetId, number>): number {
  let sum = 0;
  for (const bytes of byDataset.values()) sum += bytes;
  return sum;
}

async function readUsage(table: Table, { owner, dataset }: Account, signal?: AbortSignal): Promise<StoredUsage> {
  const item = await table.get(ownerPk(owner), usageSk(dataset), signal);
  return { usage: usageOf(item), version: item?.version ?? null };
}

async function writeUsage(
  { table, usage: memory }: Ports,
  { owner, dataset }: Account,
  before: StoredUsage,
  usage: UsageEntry,
  signal?: AbortSignal,
): Promise<boolean> {
  const condition = before.version === null ? 'absent' : { version: before.version };
  if (!(await table.put({ pk: ownerPk(owner), sk: usageSk(dataset), ...usage }, condition, signal))) return false;
  memory.keep(dataset, { usage, version: (before.version ?? 0) + 1 });
  memory.noteOwn(owner, dataset, usage.storedBytes);
  return true;
}

/** The oldest pending keys that are counted by now: a few at a time, so that the list shrinks faster than it grows. */
async function findSettled(
  pending: readonly string[],
  known: UsageMemory,
  isCounted: (key: string) => Promise<boolean>,
): Promise<ReadonlySet<string>> {
  const isSettled = async (key: string) =>
    key.startsWith(TAKEN_OFF) ? !(await isCounted(key.slice(TAKEN_OFF.length))) : isCounted(key);
  const settled = new Set(pending.filter((key) => known.isCounted(key)));
  const open = pending.filter((key) => !settled.has(key));
  const looked = open.length > MAX_PENDING ? open : open.slice(0, 2);
  await Promise.all(
    looked.map(async (key) => {
      if (await isSettled(key)) settled.add(key);
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
