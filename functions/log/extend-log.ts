import type { Manifest } from '../../core/batch/manifest-fields.ts';
import type { DatasetId } from '../../core/ids.ts';
import type { LogEntry, WaitingEntry } from '../state/entries.ts';
import { appendLogEntry, readLogEnd } from '../state/log-entry.ts';
import { mapBounded } from '../state/map-bounded.ts';
import { keepRecords } from '../state/records-entry.ts';
import { readSegmentEntry } from '../state/segment-entry.ts';
import { forgetWaiting, readWaiting } from '../state/waiting-entry.ts';
import { appendSegment } from './append-segment.ts';
import type { GrowingPorts } from './growing-ports.ts';
import { readManifest } from './read-manifest.ts';
import { rejectRoots } from './reject-root.ts';

/** Segments looked at in one round: their manifests, of at most 1 MiB, are in memory together. */
const ROUND = 32;
const PARALLEL = 8;

/** How much one call does at most, however many wait. */
export interface ExtendBounds {
  readonly rounds: number;
  readonly mostMs: number;
}

const BOUNDS: ExtendBounds = { rounds: 24, mostMs: 5_000 };

interface Step {
  readonly waiting: WaitingEntry;
  readonly manifest: Manifest;
  readonly entry: LogEntry;
}

/**
 * Appends waiting segments to the end of the log as long as one follows, up to a bound of time and number.
 * @returns `more`: the bound was reached, and others follow; call it again. `moved`: something that waited was taken in or away
 */
export async function extendLog(
  ports: GrowingPorts,
  dataset: DatasetId,
  signal?: AbortSignal,
  { rounds, mostMs }: ExtendBounds = BOUNDS,
): Promise<{ readonly more: boolean; readonly moved: boolean }> {
  const startedMs = ports.runtime.monotonicMs();
  for (let round = 0; round < rounds; round++) {
    if (ports.runtime.monotonicMs() - startedMs > mostMs) return { more: true, moved: round > 0 };
    if (!(await extendOnce(ports, dataset, signal))) return { more: false, moved: round > 0 };
  }
  return { more: true, moved: true };
}

/** Takes the next ones in, or away; false when nothing that waits follows. */
async function extendOnce(ports: GrowingPorts, dataset: DatasetId, signal?: AbortSignal): Promise<boolean> {
  const { table } = ports;
  const waiting = await readWaiting(table, dataset, ROUND, signal);
  if (waiting.length === 0) return false;
  const end = await readLogEnd(table, dataset, signal);
  const size = end?.size ?? 0;
  const forget = (list: readonly WaitingEntry[]) =>
    mapBounded(list, PARALLEL, (one) => forgetWaiting(table, dataset, one, signal));
  // In the log, or superseded: another took the place.
  const over = waiting.filter(({ first }) => first < size);
  await forget(over);

  const { steps, lost, misfits } = await findSteps(ports, dataset, end, waiting, signal);
  await mapBounded(steps, PARALLEL, ({ waiting: { sha256Hex }, manifest }) =>
    keepRecords(ports, dataset, sha256Hex, manifest, signal),
  );
  const placed: WaitingEntry[] = [];
  for (const { waiting, entry } of steps) {
    if (!(await appendLogEntry(table, dataset, entry, signal))) break;
    placed.push(waiting);
  }
  // What was judged behind a place that another took was judged by the wrong log.
  const judged = placed.length === steps.length ? misfits : [];
  const entries = await mapBounded(judged, PARALLEL, (one) => readSegmentEntry(table, dataset, one, signal));
  const received = entries.filter((entry) => entry !== null).filter(({ state }) => state === 'received');
  await rejectRoots(ports, dataset, received, signal);
  await forget([...placed, ...judged, ...lost]);
  return over.length + steps.length + misfits.length + lost.length > 0;
}

interface Found {
  readonly steps: Step[];
  /** Their objects are lost or damaged: should they come back, they are looked at again. */
  readonly lost: WaitingEntry[];
  /** They are where the log has come to, and do not lead to their heads from there. */
  readonly misfits: WaitingEntry[];
}

/** The steps that follow on each other from the log's end; of rivals the one that came first, where it fits. */
async function findSteps(
  ports: GrowingPorts,
  dataset: DatasetId,
  end: LogEntry | null,
  waiting: readonly WaitingEntry[],
  signal?: AbortSignal,
): Promise<Found> {
  const byFirst = Map.groupBy(
    waiting.toSorted((a, b) => a.receivedAtMs - b.receivedAtMs),
    ({ first }) => first,
  );
  const manifests = await readLikely(ports, dataset, end?.size ?? 0, byFirst, signal);
  const found: Found = { steps: [], lost: [], misfits: [] };
  let last = end;
  for (let isAtEnd = false; !isAtEnd; ) {
    isAtEnd = true;
    for (const one of byFirst.get(last?.size ?? 0) ?? []) {
      const manifest = manifests.get(one) ?? (await readManifest(ports, dataset, one, signal));
      if (manifest === null) {
        found.lost.push(one);
        continue;
      }
      const entry = appendSegment(ports.primitives, last, one, manifest);
      if (entry === null) {
        found.misfits.push(one);
        continue;
      }
      found.steps.push({ waiting: one, manifest, entry });
      last = entry;
      isAtEnd = false;
      break;
    }
  }
  return found;
}

/** The manifests of those that follow on each other by their own word, many at once. */
async function readLikely(
  ports: GrowingPorts,
  dataset: DatasetId,
  size: number,
  byFirst: ReadonlyMap<number, readonly WaitingEntry[]>,
  signal?: AbortSignal,
): Promise<ReadonlyMap<WaitingEntry, Manifest | null>> {
  const likely: WaitingEntry[] = [];
  for (let one = byFirst.get(size)?.[0]; one !== undefined; one = byFirst.get(one.size)?.[0]) likely.push(one);
  const read = await mapBounded(likely, PARALLEL, (one) => readManifest(ports, dataset, one, signal));
  return new Map(likely.map((one, i) => [one, read[i] ?? null]));
}
