import { deviceInForce, readCharters } from '../state/dataset-entry.ts';
import type { SegmentEntry } from '../state/entries.ts';
import { isKept, isTooMuch, MAX_JUNK_OBJECTS, noteAside, noteJunk, noteTurnedAway } from '../state/junk-entry.ts';
import { type StoredSegment, writeSegmentEntry } from '../state/segment-entry.ts';
import type { InspectPorts, SegmentName } from './inspect-segment.ts';

type Ports = Pick<InspectPorts, 'table' | 'ledger' | 'runtime'>;

/** How long list-batches names it with the reason. */
const NAMED_SECONDS = 30 * 86_400;
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
  // Last of all: should this end before, the reconciliation finds the object.
  await noteAside(table, { key, isKept: isKept(junk) }, signal);
  return { ...entry, version: (known?.version ?? 0) + 1 };
}

/**
 * Counts a segment that is turned away for its signer for the first time: it stays where it is, as the chain may vouch for it
 * yet, but not one more than its device may have: it is set aside, and its device has it still.
 */
export async function checkInStray(
  { table, ledger }: Ports,
  { dataset }: SegmentName,
  { key, sizeBytes, signer }: SegmentEntry,
  signal?: AbortSignal,
): Promise<void> {
  const onChain = (await ledger.readDevices([dataset], 'latest', signal)).devices[0] ?? null;
  const charters = await readCharters(table, dataset, signal);
  const inForce = deviceInForce(onChain, charters);
  const named = charters.find((charter) => charter.device === signer)?.device;
  // Nobody's key but the device's gets anything stored: what a key signed that no charter names is the device's, too.
  const device = named ?? inForce;
  if (device === null) return;
  const junk = await noteTurnedAway(table, dataset, { device, inForce, sizeBytes }, signal);
  if (isTooMuch(junk)) await noteAside(table, { key, isKept: isKept(junk) }, signal);
}
