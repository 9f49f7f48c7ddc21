import { parseSegmentKey } from '../../core/batch/segment-key.ts';
import type { DatasetId } from '../../core/ids.ts';
import { MAX_SEGMENT_BYTES } from '../../core/limits.ts';
import type { ObjectLister, ObjectRemover, ObjectWriter } from '../../core/ports/object-store.ts';
import type { Runtime } from '../../core/ports/runtime.ts';
import type { Table } from '../../core/ports/table.ts';
import type { ObjectReader } from '../ports.ts';
import { datasetPk } from '../state/entries.ts';
import { type Aside, forgetAside } from '../state/junk-entry.ts';
import {
  isReadable,
  readSegmentEntry,
  type StoredSegment,
  timePlaces,
  writeSegmentEntry,
} from '../state/segment-entry.ts';

interface Ports {
  readonly table: Table;
  readonly objects: Pick<ObjectReader, 'read'> & ObjectLister & ObjectWriter & ObjectRemover;
  readonly runtime: Pick<Runtime, 'nowMs'>;
}

const PREFIX = 'rejected/';
const KEPT_MS = 30 * 86_400_000;

/**
 * Moves an object that can never be a segment, or was turned away and is passed over, from among the segments to `rejected/<day>/<its key, without its ending>`, where it
 * is kept for 30 days, or only removes it. False when it is not one: then it stays.
 */
export async function setAside(ports: Ports, { key, isKept }: Aside, signal?: AbortSignal): Promise<boolean> {
  const { table, objects, runtime } = ports;
  const name = parseSegmentKey(key);
  const entry = name === null ? null : await readSegmentEntry(table, name.dataset, name, signal);
  const isJunk = name !== null && (entry === null || isForAside(entry));
  if (isJunk) {
    // First of all: should this end before, the reconciliation sees that the object is still there.
    if (entry !== null && !(await noteEnd(ports, name.dataset, entry, signal))) return false;
    const bytes = isKept ? await objects.read(key, { start: 0, end: MAX_SEGMENT_BYTES }, signal) : null;
    const place = `${PREFIX}${dayOf(runtime.nowMs())}/${key.replace(/\.car$/, '')}`;
    if (bytes !== null) await objects.put(place, bytes, signal);
    await objects.remove(key, signal);
  }
  await forgetAside(table, { key }, signal);
  return isJunk;
}

function isForAside({ rejection }: StoredSegment): boolean {
  return rejection === 'content' || rejection === 'signer' || rejection === 'root';
}

/** From when on it is named no longer; by time it is not found from now on. False when its entry has changed meanwhile. */
async function noteEnd(
  { table, runtime }: Ports,
  dataset: DatasetId,
  entry: StoredSegment,
  signal?: AbortSignal,
): Promise<boolean> {
  if (entry.expiresAtS !== undefined) return true;
  const ending = { ...entry, expiresAtS: Math.floor((runtime.nowMs() + KEPT_MS) / 1_000) };
  if (!(await writeSegmentEntry(table, dataset, ending, { version: entry.version }, signal))) return false;
  if (!isReadable(entry)) return true;
  for (const { sk } of timePlaces(entry)) await table.delete(datasetPk(dataset), sk, 'any', signal);
  return true;
}

/** Removes what was set aside more than 30 days ago, at most so many; also where the store has no rule for it. */
export async function removeOldAside({ objects, runtime }: Ports, most: number, signal?: AbortSignal): Promise<number> {
  const before = `${PREFIX}${dayOf(runtime.nowMs() - KEPT_MS)}/`;
  let removed = 0;
  for await (const key of objects.list(PREFIX, signal)) {
    if (key >= before || removed === most) break;
    await objects.remove(key, signal);
    removed++;
  }
  return removed;
}

function dayOf(ms: number): string {
  return new Date(ms).toISOString().slice(0, 10);
}
