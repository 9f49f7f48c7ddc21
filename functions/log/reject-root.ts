import { StoreUnavailableError } from '../../core/errors.ts';
import type { Address, DatasetId } from '../../core/ids.ts';
import type { Runtime } from '../../core/ports/runtime.ts';
import type { Table } from '../../core/ports/table.ts';
import { newestDevice, readCharterEntries, readCharters } from '../state/dataset-entry.ts';
import { isKept, isTooMuch, noteAside, noteTurnedAway } from '../state/junk-entry.ts';
import { mapBounded } from '../state/map-bounded.ts';
import { readSegmentEntry, type StoredSegment, writeSegmentEntry } from '../state/segment-entry.ts';
import { countStored, giveBack } from '../state/usage-entry.ts';
import { UsageMemory } from '../state/usage-memory.ts';

const PARALLEL = 8;

interface Ports {
  readonly table: Table;
  readonly runtime: Pick<Runtime, 'monotonicMs' | 'sleep' | 'random'>;
}

/**
 * Marks segments whose records do not lead to their heads where the log has come to their place. They keep their names, as the
 * chain may vouch for them yet, give back the quota they took, and count in what their devices may store of such.
 */
export async function rejectRoots(
  { table }: Ports,
  dataset: DatasetId,
  segments: readonly StoredSegment[],
  signal?: AbortSignal,
): Promise<void> {
  if (segments.length === 0) return;
  const charters = await readCharterEntries(table, dataset, signal);
  const owner = charters[0]?.charter.owner ?? null;
  const counted = segments.filter((segment) => segment.counted);
  if (owner !== null && counted.length > 0) {
    const isCounted = (key: string) =>
      isCountedNow(
        table,
        dataset,
        counted.find((one) => one.key === key),
        signal,
      );
    await giveBack(table, { owner, dataset }, counted, isCounted, signal);
  }
  await mapBounded(segments, PARALLEL, async (segment) => {
    const reason = `Its head does not match its records appended to the ${segment.first} blocks before it.`;
    const entry = { ...segment, counted: false, state: 'rejected', rejection: 'root', reason } as const;
    requireUnchanged(segment, await writeSegmentEntry(table, dataset, entry, { version: segment.version }, signal));
  });
  const inForce = newestDevice(charters);
  // One after the other: they meet on one item.
  for (const { rejection, signer, key, sizeBytes } of segments) {
    if (rejection !== undefined || signer === undefined) continue;
    const junk = await noteTurnedAway(table, dataset, { device: signer as Address, inForce, sizeBytes }, signal);
    if (isTooMuch(junk)) await noteAside(table, { key, isKept: isKept(junk) }, signal);
  }
}

/** Takes a rejection back: the log has taken the segment in. It is its owner's, whatever the quota says: the chain has it. */
export async function readmitSegment(
  { table, runtime }: Ports,
  dataset: DatasetId,
  segment: StoredSegment,
  signal?: AbortSignal,
): Promise<void> {
  const owner = segment.counted ? null : ((await readCharters(table, dataset, signal))[0]?.owner ?? null);
  if (owner !== null) {
    const { key, sizeBytes } = segment;
    const usage = new UsageMemory();
    const isCounted = (one: string) => isCountedNow(table, dataset, one === key ? segment : undefined, signal);
    const counting = { key, sizeBytes, quotaBytes: Number.MAX_SAFE_INTEGER, uncountedSince: 0, isCounted };
    await countStored({ table, usage, runtime }, { owner, dataset }, counting, signal);
  }
  const { rejection: _, reason: __, expiresAtS: ___, ...rest } = segment;
  const entry = { ...rest, counted: segment.counted || owner !== null, state: 'received' } as const;
  requireUnchanged(segment, await writeSegmentEntry(table, dataset, entry, { version: segment.version }, signal));
}

async function isCountedNow(
  table: Table,
  dataset: DatasetId,
  segment: StoredSegment | undefined,
  signal?: AbortSignal,
): Promise<boolean> {
  if (segment === undefined) return false;
  return (await readSegmentEntry(table, dataset, segment, signal))?.counted === true;
}

function requireUnchanged({ key }: StoredSegment, isWritten: boolean): void {
  if (!isWritten) throw new StoreUnavailableError(`The entry of ${key} has changed meanwhile. Try again.`);
}
