import type { Manifest } from '../../core/batch/manifest-fields.ts';
import { parseSegmentKey } from '../../core/batch/segment-key.ts';
import { StoreUnavailableError } from '../../core/errors.ts';
import { quotaOf } from '../rights/quota-of.ts';
import type { KeptCharter } from '../state/dataset-entry.ts';
import type { SegmentEntry } from '../state/entries.ts';
import { readSegmentEntry, type StoredSegment, writeSegmentEntry } from '../state/segment-entry.ts';
import { countStored } from '../state/usage-entry.ts';
import { checkInJunk, checkInStray } from './check-in-junk.ts';
import { type Inspected, type InspectPorts, inspectSegment, type SegmentName } from './inspect-segment.ts';
import type { SegmentMemory } from './segment-memory.ts';

type Ports = InspectPorts & { readonly memory: Pick<SegmentMemory, 'usage' | 'charters'> };

const ATTEMPTS = 10;

/** A segment's entry, its manifest where it was just read, and the charter in force where that is known. */
export interface CheckedIn {
  readonly stored: StoredSegment;
  readonly manifest: Manifest | null;
  readonly charter: KeptCharter | null;
}

/** The segment's entry, made or brought up to date; null when there is no such object. */
export async function checkIn(
  ports: Ports,
  key: string,
  name: SegmentName,
  signal?: AbortSignal,
): Promise<CheckedIn | null> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const readSince = ports.memory.usage.moment();
    const stored = await readSegmentEntry(ports.table, name.dataset, name, signal);
    if (stored !== null && isSettled(stored)) return known(stored);
    const inspected = await inspectSegment(ports, key, name, signal);
    if (inspected === null) return null;
    const entry = await nextEntry(ports, name, { stored, readSince }, inspected, signal);
    if (entry === null) return stored === null ? null : known(stored);
    if (entry.rejection === 'content') {
      const named = await checkInJunk(ports, name, stored, entry, signal);
      if (named === null) continue;
      return known(named);
    }
    const condition = stored === null ? 'absent' : { version: stored.version };
    if (await writeSegmentEntry(ports.table, name.dataset, entry, condition, signal)) {
      const isStray = entry.rejection === 'signer' && stored?.rejection !== 'signer' && stored?.rejection !== 'root';
      if (isStray) await checkInStray(ports, name, entry, signal);
      if (entry.counted) ports.memory.usage.noteCounted(key);
      const { manifest, charter } = inspected;
      return { stored: { ...entry, version: (stored?.version ?? 0) + 1 }, manifest, charter };
    }
  }
  throw new StoreUnavailableError(`The entry of ${key} is changing too often. Try again.`);
}

function known(stored: StoredSegment): CheckedIn {
  return { stored, manifest: null, charter: null };
}

/** Nothing new can come out of looking at the object again. */
export function isSettled(entry: SegmentEntry): boolean {
  if (entry.lostAtMs !== undefined) return false;
  return entry.state === 'received' || entry.rejection === 'content' || entry.rejection === 'root';
}

/** What the entry becomes by the inspection; null when it stays as it is. */
async function nextEntry(
  ports: Ports,
  name: SegmentName,
  { stored, readSince }: { stored: StoredSegment | null; readSince: number },
  inspected: Inspected,
  signal?: AbortSignal,
): Promise<SegmentEntry | null> {
  // The object is back: only the very bytes make a segment whole again. What is wrong with others shows when they are read.
  if (stored?.lostAtMs !== undefined) {
    if (inspected.entry.rejection === 'content' || inspected.entry.rejection === 'bytes') return null;
    const { lostAtMs: _, ...found } = stored;
    return found;
  }
  const { entry, owner } = inspected;
  // It is nothing that its owner has stored; what a device may store of it has a bound of its own.
  if (entry.rejection === 'content') return entry;
  const receivedAtMs = stored?.receivedAtMs ?? entry.receivedAtMs;
  if (entry.rejection === 'signer') return { ...entry, counted: stored?.counted === true, receivedAtMs };
  const counted = stored?.counted === true || (await count(ports, name, inspected, readSince, signal));
  if (counted || owner === null) return { ...entry, counted, receivedAtMs };
  const reason = `The owner's quota has no room for ${entry.sizeBytes} bytes.`;
  return { ...entry, receivedAtMs, state: 'rejected' as const, rejection: 'quota' as const, reason };
}

async function count(
  ports: Ports,
  name: SegmentName,
  { entry, owner }: Inspected,
  uncountedSince: number,
  signal?: AbortSignal,
): Promise<boolean> {
  const quotaBytes = owner === null ? null : await quotaOf(ports, name.dataset, owner, signal);
  if (owner === null || quotaBytes === null) return false;
  const isCounted = async (key: string) => {
    const named = key === entry.key ? name : parseSegmentKey(key);
    return named !== null && (await readSegmentEntry(ports.table, named.dataset, named, signal))?.counted === true;
  };
  const counting = { key: entry.key, sizeBytes: entry.sizeBytes, quotaBytes, uncountedSince, isCounted };
  return countStored(
    { table: ports.table, usage: ports.memory.usage, runtime: ports.runtime },
    { owner, dataset: name.dataset },
    counting,
    signal,
  );
}
