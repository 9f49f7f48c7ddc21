import { equalBytes, toHex } from '../../core/bytes.ts';
import type { DatasetId } from '../../core/ids.ts';
import { type LogEntry, segmentSk } from '../state/entries.ts';
import { isReadable, type ReadableSegment, type StoredSegment, segmentPages } from '../state/segment-entry.ts';
import { appendSegment, type LogEnd } from './append-segment.ts';
import type { GrowingPorts } from './growing-ports.ts';
import { readManifest } from './read-manifest.ts';

export type Segment = StoredSegment & ReadableSegment;

/** A segment and the log's entry that it becomes. */
export interface Step {
  readonly entry: LogEntry;
  readonly segment: Segment;
}

/** Stored objects looked at in one search: a search that would take more finds nothing. */
const MAX_LISTED = 20_000;
/** Manifests read in one search. */
const MAX_READ = 4_096;

/**
 * Stored segments that lead from a log's end to a head that the chain has; null when there are none. Rivals may be on the way,
 * without number: so what cannot lead to that head by its own word is left out before any manifest is read, and what leads to
 * the same place with the same root is one way.
 */
export async function findPath(
  ports: GrowingPorts,
  dataset: DatasetId,
  from: LogEnd | null,
  target: { readonly size: number; readonly root: Uint8Array },
  signal?: AbortSignal,
): Promise<Step[] | null> {
  const begin = from?.size ?? 0;
  const listed = await listSegments(ports, dataset, begin, target.size, signal);
  return walk(ports, dataset, from, target, leadingTo(listed, begin, target), signal);
}

/** Readable segments that begin in this stretch and do not reach beyond it. */
export async function listSegments(
  { table }: Pick<GrowingPorts, 'table'>,
  dataset: DatasetId,
  begin: number,
  end: number,
  signal?: AbortSignal,
): Promise<Segment[]> {
  const found: Segment[] = [];
  let listed = 0;
  const range = { from: segmentSk(begin, ''), to: segmentSk(end - 1, 'g') };
  for await (const page of segmentPages(table, dataset, range, signal)) {
    for (const entry of page) if (isReadable(entry) && entry.headSize <= end) found.push(entry as Segment);
    listed += page.length;
    if (listed >= MAX_LISTED) break;
  }
  return found;
}

/** Those from which the target can be reached, by their own word; none when the beginning cannot reach it. */
function leadingTo(
  listed: readonly Segment[],
  begin: number,
  target: { readonly size: number; readonly root: Uint8Array },
): Segment[] {
  const reaching = new Set([target.size]);
  const kept: Segment[] = [];
  for (const segment of listed.toReversed()) {
    if (!reaching.has(segment.headSize)) continue;
    if (segment.headSize === target.size && !equalBytes(segment.headRoot, target.root)) continue;
    reaching.add(segment.first);
    kept.unshift(segment);
  }
  return reaching.has(begin) ? kept : [];
}

interface Way {
  readonly step: Step | null;
  readonly back: Way | null;
}

/** Goes through the segments, which are in the order of their first blocks, from the beginning; null when no way leads through. */
async function walk(
  ports: GrowingPorts,
  dataset: DatasetId,
  from: LogEnd | null,
  target: { readonly size: number; readonly root: Uint8Array },
  segments: readonly Segment[],
  signal?: AbortSignal,
): Promise<Step[] | null> {
  const ways = new Map<number, Map<string, Way>>([[from?.size ?? 0, new Map([['', { step: null, back: null }]])]]);
  let read = 0;
  for (const segment of segments) {
    const arrived = ways.get(segment.first);
    if (arrived === undefined || read >= MAX_READ) continue;
    const there = ways.get(segment.headSize) ?? new Map<string, Way>();
    // Segments that differ in their signature alone are the same way.
    if (there.has(toHex(segment.headRoot))) continue;
    const manifest = await readManifest(ports, dataset, segment, signal);
    read += 1;
    if (manifest === null) continue;
    for (const way of arrived.values()) {
      const entry = appendSegment(ports.primitives, way.step?.entry ?? from, segment, manifest);
      if (entry === null) continue;
      there.set(toHex(entry.root), { step: { entry, segment }, back: way });
      ways.set(segment.headSize, there);
    }
  }
  const found = ways.get(target.size)?.get(toHex(target.root));
  if (found === undefined) return null;
  const steps: Step[] = [];
  for (let way: Way | null = found; way !== null; way = way.back) if (way.step !== null) steps.unshift(way.step);
  return steps;
}
