import { batchLeafHash } from '../../core/batch/record.ts';
import { concatBytes, equalBytes } from '../../core/bytes.ts';
import { StoreUnavailableError } from '../../core/errors.ts';
import type { DatasetId } from '../../core/ids.ts';
import { appendLeaf, EMPTY_FRONTIER, frontierRoot } from '../../core/log/frontier.ts';
import type { Table } from '../../core/ports/table.ts';
import type { ServicePorts } from '../ports.ts';
import { changeDatasetEntry, readDatasetEntry } from '../state/dataset-entry.ts';
import { type LogEntry, type SegmentEntry, segmentSk } from '../state/entries.ts';
import { appendLogEntry, frontierOf, leafOf, readLogEnd, readLogEntry } from '../state/log-entry.ts';
import {
  isReadable,
  querySegments,
  type ReadableSegment,
  type StoredSegment,
  writeSegmentEntry,
} from '../state/segment-entry.ts';

/** `waiting`: a predecessor is missing. `superseded`: another segment took the place first. */
export type Placement = 'placed' | 'waiting' | 'superseded' | 'rejected';

type Ports = Pick<ServicePorts, 'primitives' | 'table'>;

// A device may sign as many rivals for one place as it likes; nobody waits for all of them.
const MAX_RIVALS = 64;

/**
 * Puts a verified segment into the dataset's log, and behind it whatever was waiting for it. Acts on state alone, so it
 * may be repeated, raced and cut off anywhere.
 */
export async function placeSegment(
  ports: Ports,
  dataset: DatasetId,
  segment: StoredSegment & ReadableSegment,
  signal?: AbortSignal,
): Promise<Placement> {
  const placement = await placeOne(ports, dataset, segment, signal);
  if (placement !== 'placed') return placement;
  // Read after the log was written; whoever waits writes this entry before it looks at the log once more.
  const { waitingUntil = 0 } = await readDatasetEntry(ports.table, dataset, signal);
  if (waitingUntil > segment.headBatches) await extendLog(ports, dataset, signal);
  return placement;
}

/** Appends stored segments to the end of the log as long as one follows. Also to be called when the log was rewritten. */
export async function extendLog(ports: Ports, dataset: DatasetId, signal?: AbortSignal): Promise<void> {
  let end = await readLogEnd(ports.table, dataset, signal);
  for (;;) {
    const next = await placeSuccessor(ports, dataset, end, signal);
    if (next === null) return;
    end = next;
  }
}

/** Appends the first segment that fits behind `end`; null when none does. */
async function placeSuccessor(
  ports: Ports,
  dataset: DatasetId,
  end: LogEntry | null,
  signal?: AbortSignal,
): Promise<LogEntry | null> {
  const first = end === null ? 0 : end.first + end.count;
  const batches = (end?.batches ?? 0) + 1;
  const range = { from: segmentSk(first, ''), to: segmentSk(first, 'g'), limit: MAX_RIVALS };
  const { entries } = await querySegments(ports.table, dataset, range, signal);
  const candidates = entries
    .filter((entry) => entry.headBatches === batches && (entry.state === 'received' || entry.rejection === 'root'))
    .sort((a, b) => a.receivedAtMs - b.receivedAtMs);
  for (const candidate of candidates) {
    if (!isReadable(candidate) || (await placeOne(ports, dataset, candidate, signal)) !== 'placed') continue;
    return readLogEntry(ports.table, dataset, batches, signal);
  }
  return null;
}

async function placeOne(
  ports: Ports,
  dataset: DatasetId,
  segment: StoredSegment & ReadableSegment,
  signal?: AbortSignal,
): Promise<Placement> {
  const { table } = ports;
  const before = await findPredecessor(ports, dataset, segment, signal);
  if (before === 'missing') return 'waiting';
  const entry = logEntryBehind(ports, dataset, before, segment);
  if (entry === null) {
    // It may have been placed before the log under it was rewritten.
    await rejectRoot(ports, dataset, segment, signal);
    return 'rejected';
  }
  if (!(await appendLogEntry(table, dataset, entry, signal))) {
    const there = await readLogEntry(table, dataset, entry.batches, signal);
    if (there?.sha256Hex !== entry.sha256Hex) return 'superseded';
  }
  if (segment.state === 'rejected') await readmit(ports, dataset, segment, signal);
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

/** The entry that the segment makes behind `before`, or null when that does not lead to the head it was signed with. */
function logEntryBehind(
  { primitives }: Ports,
  dataset: DatasetId,
  before: LogEntry | null,
  segment: ReadableSegment,
): LogEntry | null {
  if (segment.first !== (before === null ? 0 : before.first + before.count)) return null;
  const leaf = batchLeafHash(primitives, leafOf(dataset, segment));
  const frontier = appendLeaf(primitives, before === null ? EMPTY_FRONTIER : frontierOf(before), leaf);
  const root = frontierRoot(primitives, frontier);
  if (!equalBytes(root, segment.headRoot)) return null;
  return {
    batches: segment.headBatches,
    first: segment.first,
    count: segment.count,
    sha256Hex: segment.sha256Hex,
    salt: segment.salt,
    batchRoot: segment.batchRoot,
    sealedHash: segment.sealedHash,
    published: segment.published,
    peaks: concatBytes(...frontier.peaks),
    root,
    signature: segment.signature,
    signer: segment.signer,
  };
}

async function rejectRoot(
  { table }: Ports,
  dataset: DatasetId,
  segment: StoredSegment & ReadableSegment,
  signal?: AbortSignal,
): Promise<void> {
  const reason = `Its head is not what follows when it is appended to the ${segment.headBatches - 1} batches before it.`;
  const entry = { ...segment, state: 'rejected', rejection: 'root', reason } as const;
  await writeUnchanged(table, dataset, entry, segment.version, signal);
}

async function readmit(
  { table }: Ports,
  dataset: DatasetId,
  segment: StoredSegment & ReadableSegment,
  signal?: AbortSignal,
): Promise<void> {
  const { rejection: _, reason: __, ...rest } = segment;
  await writeUnchanged(table, dataset, { ...rest, state: 'received' }, segment.version, signal);
}

async function writeUnchanged(
  table: Table,
  dataset: DatasetId,
  entry: SegmentEntry,
  version: number,
  signal?: AbortSignal,
): Promise<void> {
  if (await writeSegmentEntry(table, dataset, entry, { version }, signal)) return;
  throw new StoreUnavailableError(`The entry of ${entry.key} has changed meanwhile. Try again.`);
}
