import { StoreUnavailableError } from '../../core/errors.ts';
import type { DatasetId } from '../../core/ids.ts';
import type { ServicePorts } from '../ports.ts';
import { changeDatasetEntry } from '../state/dataset-entry.ts';
import type { LogEntry } from '../state/entries.ts';
import { appendLogEntry, readLogEntry } from '../state/log-entry.ts';
import { type ReadableSegment, type StoredSegment, writeSegmentEntry } from '../state/segment-entry.ts';
import { appendSegment, pointAfter } from './append-segment.ts';
import { readmitSegment } from './readmit-segment.ts';

/** `waiting`: a predecessor is missing. `superseded`: another segment took the place first. */
export type Placement = 'placed' | 'waiting' | 'superseded' | 'rejected';

type Ports = Pick<ServicePorts, 'primitives' | 'table'>;

/** Puts a verified segment into the dataset's log, where it follows what is there; nothing that waits for it is looked at. */
export async function placeAlone(
  ports: Ports,
  dataset: DatasetId,
  segment: StoredSegment & ReadableSegment,
  signal?: AbortSignal,
): Promise<Placement> {
  const { primitives, table } = ports;
  const before = await findPredecessor(ports, dataset, segment, signal);
  if (before === 'missing') return 'waiting';
  const appended = appendSegment(primitives, dataset, pointAfter(before), segment);
  if (appended === null) {
    // It may have been placed before the log under it was rewritten.
    await rejectRoot(ports, dataset, segment, signal);
    return 'rejected';
  }
  const { entry } = appended;
  if (!(await appendLogEntry(table, dataset, entry, signal))) {
    const there = await readLogEntry(table, dataset, entry.batches, signal);
    if (there?.sha256Hex !== entry.sha256Hex) return 'superseded';
  }
  if (segment.state === 'rejected') requireUnchanged(segment, await readmitSegment(table, dataset, segment, signal));
  return 'placed';
}

/** The log's entry that the segment follows, null for its beginning. Whoever finds none leaves word of its waiting. */
async function findPredecessor(
  { table }: Ports,
  dataset: DatasetId,
  segment: ReadableSegment,
  signal?: AbortSignal,
): Promise<LogEntry | null | 'missing'> {
  const batches = segment.headBatches - 1;
  if (batches === 0) return null;
  const before = await readLogEntry(table, dataset, batches, signal);
  if (before !== null) return before;
  await changeDatasetEntry(
    table,
    dataset,
    (entry) =>
      (entry.waitingUntil ?? 0) >= segment.headBatches ? null : { ...entry, waitingUntil: segment.headBatches },
    signal,
  );
  // It may have come between the look and the word.
  return (await readLogEntry(table, dataset, batches, signal)) ?? 'missing';
}

async function rejectRoot(
  { table }: Ports,
  dataset: DatasetId,
  segment: StoredSegment & ReadableSegment,
  signal?: AbortSignal,
): Promise<void> {
  const reason = `Its head is not what follows when it is appended to the ${segment.headBatches - 1} batches before it.`;
  const entry = { ...segment, state: 'rejected', rejection: 'root', reason } as const;
  requireUnchanged(segment, await writeSegmentEntry(table, dataset, entry, { version: segment.version }, signal));
}

function requireUnchanged({ key }: StoredSegment, isWritten: boolean): void {
  if (!isWritten) throw new StoreUnavailableError(`The entry of ${key} has changed meanwhile. Try again.`);
}
