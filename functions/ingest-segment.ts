import middy from '@middy/core';
import { parseSegmentKey } from '../core/batch/segment.ts';
import { StoreUnavailableError } from '../core/errors.ts';
import type { DatasetId } from '../core/ids.ts';
import type { Table } from '../core/ports/table.ts';
import { type S3EventCall, s3EventMiddleware } from './events/s3-event-middleware.ts';
import { type Placement, placeSegment } from './ingest/extend-log.ts';
import { type Inspected, inspectSegment, type SegmentName } from './ingest/inspect-segment.ts';
import type { ServicePorts } from './ports.ts';
import { lazyHandler } from './ports-from-env.ts';
import { changeDatasetEntry, markWork } from './state/dataset-entry.ts';
import type { SegmentEntry } from './state/entries.ts';
import {
  indexByTime,
  isReadable,
  type ReadableSegment,
  readSegmentEntry,
  type StoredSegment,
  writeSegmentEntry,
} from './state/segment-entry.ts';
import { countStored, noteCounted, usageMoment } from './state/usage-entry.ts';
import { eventRows } from './table.ts';

/** `foreign`: no segment's name. `gone`: no such object any more. */
export type Ingested = Placement | 'foreign' | 'gone';

type Ports = Omit<ServicePorts, 'recorder'>;

const ATTEMPTS = 10;

/**
 * Checks a stored segment in (design §3, step 4): verifies all of it, indexes it, puts it into the log, wakes the anchor.
 * Acts on state, so the same event may come twice, late, in any order, or again after a crash at any point.
 *
 * A segment that was verified once is not judged again: its device may have been replaced since, and its bytes be damaged;
 * neither unmakes its place in the log.
 */
export async function ingestSegment(ports: Ports, key: string, signal?: AbortSignal): Promise<Ingested> {
  const name = parseSegmentKey(key);
  if (name === null) return 'foreign';
  const entry = await checkIn(ports, key, name, signal);
  if (entry === null) return 'gone';
  if (!isReadable(entry)) return 'rejected';
  // The span first: a search by time looks back as far as it says.
  await noteSpan(ports, name, entry, signal);
  await indexByTime(ports.table, name.dataset, entry, signal);
  // Findable all the same: should the chain vouch for it, it is let in later.
  if (entry.state === 'rejected' && entry.rejection !== 'root') return 'rejected';
  const placement = await placeSegment(ports, name.dataset, entry, signal);
  if (placement === 'placed') {
    await markWork(ports.table, name.dataset, signal);
    await ports.anchorQueue.wake(signal);
  }
  return placement;
}

/** The segment's entry, made or brought up to date; null when there is no such object. */
async function checkIn(
  ports: Ports,
  key: string,
  name: SegmentName,
  signal?: AbortSignal,
): Promise<StoredSegment | null> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const readSince = usageMoment();
    const stored = await readSegmentEntry(ports.table, name.dataset, name, signal);
    if (stored !== null && isSettled(stored)) return stored;
    const inspected = await inspectSegment(ports, key, name, signal);
    if (inspected === null) return null;
    const entry = await nextEntry(ports, name, { stored, readSince }, inspected, signal);
    if (entry === null) return stored;
    const condition = stored === null ? 'absent' : { version: stored.version };
    if (await writeSegmentEntry(ports.table, name.dataset, entry, condition, signal)) {
      if (entry.counted) noteCounted(ports.table, key);
      return { ...entry, version: (stored?.version ?? 0) + 1 };
    }
  }
  throw new StoreUnavailableError(`The entry of ${key} is changing too often. Try again.`);
}

/** Nothing new can come out of looking at the object again. */
function isSettled(entry: StoredSegment): boolean {
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
  const counted = stored?.counted === true || (await count(ports, name, inspected, readSince, signal));
  const receivedAtMs = stored?.receivedAtMs ?? entry.receivedAtMs;
  if (counted || owner === null) return { ...entry, counted, receivedAtMs };
  const reason = `The owner's quota leaves no room for ${entry.sizeBytes} bytes.`;
  return { ...entry, receivedAtMs, state: 'rejected' as const, rejection: 'quota' as const, reason };
}

async function count(
  ports: Ports,
  name: SegmentName,
  { entry, owner }: Inspected,
  uncountedSince: number,
  signal?: AbortSignal,
): Promise<boolean> {
  const quotaBytes = owner === null ? undefined : ports.settings().owners.get(owner);
  if (owner === null || quotaBytes === undefined) return false;
  const isCounted = async (key: string) => {
    const named = key === entry.key ? name : parseSegmentKey(key);
    return named !== null && (await readSegmentEntry(ports.table, named.dataset, named, signal))?.counted === true;
  };
  const counting = { key: entry.key, sizeBytes: entry.sizeBytes, quotaBytes, uncountedSince, isCounted };
  return countStored(ports.table, owner, counting, signal);
}

/** Longest spans this process has seen noted: they only grow. */
const notedSpans = new WeakMap<Table, Map<DatasetId, number>>();

async function noteSpan(
  { table }: Ports,
  { dataset }: SegmentName,
  entry: ReadableSegment,
  signal?: AbortSignal,
): Promise<void> {
  const noted = notedSpans.get(table) ?? new Map<DatasetId, number>();
  notedSpans.set(table, noted);
  const spanMs = entry.toMs - entry.fromMs;
  if (spanMs <= (noted.get(dataset) ?? -1)) return;
  const { longestSpanMs } = await changeDatasetEntry(
    table,
    dataset,
    (known) => (known.longestSpanMs >= spanMs ? null : { ...known, longestSpanMs: spanMs }),
    signal,
  );
  if (noted.size > 10_000) noted.clear();
  noted.set(dataset, longestSpanMs);
}

const row = eventRows['ingest-segment'];

export const handlerFor = (ports: ServicePorts) =>
  middy(async ({ records, each }: S3EventCall) =>
    each(records, async ({ key, signal }) => {
      const outcome = await ingestSegment(ports, key, signal);
      ports.observer.info('ingested', { key, outcome });
      ports.observer.count(`Ingest.${outcome}`);
    }),
  ).use(s3EventMiddleware(ports, row));

export const handler = lazyHandler(row);
