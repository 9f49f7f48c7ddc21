import { equalBytes, toHex } from '../../core/bytes.ts';
import type { DatasetId } from '../../core/ids.ts';
import type { Head } from '../../core/log/head.ts';
import type { ServicePorts } from '../ports.ts';
import type { LogEntry } from '../state/entries.ts';
import { queryLog, readLogEntry } from '../state/log-entry.ts';
import { appendSegment, type LogPoint, pointAfter } from './append-segment.ts';
import { gatherSegments, type Segment } from './gather-segments.ts';

type Ports = Pick<ServicePorts, 'table'> & { readonly primitives: Pick<ServicePorts['primitives'], 'sha256'> };

/** A segment and the log's entry that it becomes. */
export interface Step {
  readonly entry: LogEntry;
  readonly segment: Segment;
}

/** Segments looked at in one search; a log that parts from the chain further back is left alone. */
const MAX_VISITS = 100_000;

/**
 * Stored segments that lead from an entry of the log (or from nothing) to the chain's head, without what the log has
 * already; null when there are none. Of the way there only the end is known: so the segments that may lie on it are
 * gathered backwards, place by place, and tried forwards from the log, each time from twice as far back. Forwards, a root
 * leaves no choice: whatever rivals there are, no way is walked twice.
 */
export async function findPath(
  ports: Ports,
  dataset: DatasetId,
  chain: Pick<Head, 'batches' | 'size' | 'root'>,
  signal?: AbortSignal,
): Promise<Step[] | null> {
  const segmentsEndingAt = gatherSegments(ports.table, dataset, chain.size, signal);
  const ends = await segmentsEndingAt(chain.size, chain.batches);
  // The places from some batch on, in order: for each the segments that may be the one.
  const places: Segment[][] = [];
  let candidates = ends.filter((segment) => equalBytes(segment.headRoot, chain.root));
  for (let visits = 0; candidates.length > 0 && visits < MAX_VISITS; visits += candidates.length) {
    places.unshift(candidates);
    const before = chain.batches - places.length;
    const firsts = new Set(before === 0 ? [] : candidates.map((segment) => segment.first));
    candidates = [];
    for (const first of firsts) candidates.push(...(await segmentsEndingAt(first, before)));
    if (candidates.length > 0 && !isPowerOfTwo(places.length)) continue;
    const path = await walkForwards(ports, dataset, before, places, signal);
    if (path !== null) return path;
  }
  return null;
}

interface Way {
  readonly end: LogPoint;
  readonly step: Step | null;
  readonly back: Way | null;
}

/** The way through these places from the log's entry `before`, without what the log has already; null when there is none. */
async function walkForwards(
  { primitives, table }: Ports,
  dataset: DatasetId,
  before: number,
  places: readonly (readonly Segment[])[],
  signal?: AbortSignal,
): Promise<Step[] | null> {
  const start = before === 0 ? null : await readLogEntry(table, dataset, before, signal);
  if (before > 0 && start === null) return null;
  let ways: Way[] = [{ end: pointAfter(start), step: null, back: null }];
  for (const place of places) {
    // Segments that differ in their signature alone are the same way.
    const next = new Map<string, Way>();
    for (const way of ways) {
      for (const segment of place) {
        const appended = appendSegment(primitives, dataset, way.end, segment);
        if (appended === null) continue;
        const step = { entry: appended.entry, segment };
        next.set(toHex(segment.headRoot), { end: appended.end, step, back: way });
      }
    }
    ways = [...next.values()];
  }
  const [found] = ways;
  if (found === undefined) return null;
  const steps: Step[] = [];
  for (let way: Way | null = found; way !== null; way = way.back) if (way.step !== null) steps.unshift(way.step);
  const there = await queryLog(table, dataset, before + 1, before + steps.length, signal);
  const parting = steps.findIndex(({ entry }, i) => !equalBytes(there[i]?.root ?? new Uint8Array(0), entry.root));
  return parting === -1 ? [] : steps.slice(parting);
}

function isPowerOfTwo(n: number): boolean {
  return Number.isInteger(Math.log2(n));
}
