import { deviceInForce, readCharters } from '../state/dataset-entry.ts';
import type { SegmentEntry } from '../state/entries.ts';
import { MAX_JUNK_OBJECTS, noteAside, noteJunk } from '../state/junk-entry.ts';
import { type StoredSegment, writeSegmentEntry } from '../state/segment-entry.ts';
import type { InspectPorts, SegmentName } from './inspect-segment.ts';

type Ports = Pick<InspectPorts, 'table' | 'ledger' | 'runtime'>;

/** How long list-batches names it with the reason. */
const NAMED_SECONDS = 30 * 86_400;
/** Objects of a device whose bytes are kept aside, for whoever looks for the fault; the others are removed. */
const MOST_KEPT = 100;
const MOST_KEPT_BYTES = 64 * 2 ** 20;

/**
 * Notes an object that can never be a segment: it is counted against the device that writes now (a new one begins anew), is
 * named for a while, and is to be set aside. So many of one device are only counted and removed.
 * @returns null when its entry has changed meanwhile
 */
export async function checkInJunk(
  { table, ledger, runtime }: Ports,
  { dataset }: SegmentName,
  known: StoredSegment | null,
  rejected: SegmentEntry,
  signal?: AbortSignal,
): Promise<StoredSegment | null> {
  const entry = { ...rejected, expiresAtS: Math.floor(runtime.nowMs() / 1_000) + NAMED_SECONDS };
  const { key, sizeBytes } = entry;
  const onChain = (await ledger.readDevices([dataset], 'latest', signal)).devices[0] ?? null;
  const device = deviceInForce(onChain, await readCharters(table, dataset, signal));
  const isNew = known === null && device !== null;
  const junk = isNew ? await noteJunk(table, dataset, device, sizeBytes, signal) : { objects: 0, bytes: 0 };
  const isNamed = junk.objects <= MAX_JUNK_OBJECTS;
  const condition = known === null ? 'absent' : { version: known.version };
  if (isNamed && !(await writeSegmentEntry(table, dataset, entry, condition, signal))) return null;
  const isKept = junk.objects <= MOST_KEPT && junk.bytes <= MOST_KEPT_BYTES;
  // Last of all: should this end before, the reconciliation finds the object.
  await noteAside(table, { key, isKept }, signal);
  return { ...entry, version: (known?.version ?? 0) + 1 };
}
