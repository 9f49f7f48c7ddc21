import { batchLeafHash } from '../../core/batch/record.ts';
import { concatBytes, equalBytes, toHex } from '../../core/bytes.ts';
import type { DatasetId } from '../../core/ids.ts';
import { appendLeaf, EMPTY_FRONTIER, type Frontier, frontierRoot } from '../../core/log/frontier.ts';
import type { Head } from '../../core/log/head.ts';
import type { Primitives } from '../../core/ports/primitives.ts';
import type { Table } from '../../core/ports/table.ts';
import { datasetPk, type LogEntry, logSk, segmentSk, tileSk } from '../state/entries.ts';
import { appendLogEntry, frontierOf, leafOf, queryLog, readLogEntry } from '../state/log-entry.ts';
import {
  isReadable,
  querySegments,
  type ReadableSegment,
  type StoredSegment,
  writeSegmentEntry,
} from '../state/segment-entry.ts';

/**
 * `agrees`: the log had the chain's head already. `adopted`: it has it now. `unknown`: no stored segments lead to that
 * head. `contended`: another process writes the log; what was done stays, and doing it again goes on.
 */
export type Adoption = 'agrees' | 'adopted' | 'unknown' | 'contended';

interface Ports {
  readonly primitives: Pick<Primitives, 'sha256'>;
  readonly table: Table;
}

type Segment = StoredSegment & ReadableSegment;

const MAX_BATCH_BLOCKS = 1024;
const PAGE = 256;
const NUMBERS_END = 9_999_999_999;
const TILE_LEVELS = 4;
const TILE_WIDTH = 256;
/** Segments looked at in one search; a log that parts from the chain further back is left alone. */
const MAX_VISITS = 100_000;

/**
 * Makes the service's log follow the chain. Of rival segments the log holds the first verified; when the chain has
 * recorded another, the chain is right: the log is cut where the two part, and the batches that lead to the chain's head
 * take the place of those behind. Nothing is believed but the chain's root: what is adopted is rebuilt up to it first.
 *
 * Cut from the end and appended from the beginning, the log is a verified log at every moment, wherever this stops.
 */
export async function adoptChainLog(
  ports: Ports,
  dataset: DatasetId,
  chain: Pick<Head, 'batches' | 'size' | 'root'>,
  signal?: AbortSignal,
): Promise<Adoption> {
  if (chain.batches === 0) return 'agrees';
  const there = await readLogEntry(ports.table, dataset, chain.batches, signal);
  if (there !== null && equalBytes(there.root, chain.root)) return 'agrees';

  const path = await findPath(ports, dataset, chain, signal);
  if (path === null) return 'unknown';
  const [firstNew] = path;
  if (firstNew === undefined) return 'contended';
  await forgetTiles(ports.table, dataset, firstNew.entry.batches - 1, signal);
  await cutLog(ports.table, dataset, firstNew.entry.batches, signal);
  for (const { entry, segment } of path) {
    if (segment.state === 'rejected') await readmit(ports.table, dataset, segment, signal);
    if (await appendLogEntry(ports.table, dataset, entry, signal)) continue;
    const found = await readLogEntry(ports.table, dataset, entry.batches, signal);
    if (found === null || !equalBytes(found.root, entry.root)) return 'contended';
  }
  return 'adopted';
}

/** A segment and the log's entry that it becomes. */
interface Step {
  readonly entry: LogEntry;
  readonly segment: Segment;
}

/**
 * Stored segments that lead from an entry of the log (or from nothing) to the chain's head. Of the way there only the end
 * is known: so the segments that may lie on it are gathered backwards, place by place, and tried forwards from the log,
 * each time from twice as far back. Forwards, a root leaves no choice: whatever rivals there are, no way is walked twice.
 */
async function findPath(
  ports: Ports,
  dataset: DatasetId,
  chain: Pick<Head, 'batches' | 'size' | 'root'>,
  signal?: AbortSignal,
): Promise<Step[] | null> {
  const segmentsEndingAt = segmentsBackFrom(ports.table, dataset, chain.size, signal);
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
  const first: Way = {
    frontier: start === null ? EMPTY_FRONTIER : frontierOf(start),
    size: start === null ? 0 : start.first + start.count,
    step: null,
    back: null,
  };
  let ways = [first];
  for (const place of places) {
    // Segments that differ in their signature alone are the same way.
    const next = new Map<string, Way>();
    for (const way of ways) {
      for (const segment of place) {
        const gone = goOn(primitives, dataset, way, segment);
        if (gone !== null) next.set(toHex(segment.headRoot), gone);
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

interface Way {
  readonly frontier: Frontier;
  readonly size: number;
  readonly step: Step | null;
  readonly back: Way | null;
}

/** The way with this segment behind it; null when that does not lead to the head the segment was signed with. */
function goOn(primitives: Ports['primitives'], dataset: DatasetId, way: Way, segment: Segment): Way | null {
  const { first, count, sha256Hex, salt, batchRoot, sealedHash, published, signature, signer } = segment;
  if (first !== way.size) return null;
  const batch = { first, count, sha256Hex, salt, batchRoot, sealedHash, published, signature, signer };
  const frontier = appendLeaf(primitives, way.frontier, batchLeafHash(primitives, leafOf(dataset, batch)));
  const root = frontierRoot(primitives, frontier);
  if (!equalBytes(root, segment.headRoot)) return null;
  const entry = { batches: frontier.leaves, ...batch, peaks: concatBytes(...frontier.peaks), root };
  return { frontier, size: first + count, step: { entry, segment }, back: way };
}

function isPowerOfTwo(n: number): boolean {
  return Number.isInteger(Math.log2(n));
}

/**
 * Finds readable segments by where their batch ends; their place is not verified. Reads the dataset's segments once, from
 * block `size` backwards, as far as is asked for.
 */
function segmentsBackFrom(table: Table, dataset: DatasetId, size: number, signal?: AbortSignal) {
  const byEnd = new Map<number, Segment[]>();
  let to: string | null = segmentSk(size, '');
  // Every segment that begins at this block or later has been read.
  let readDownTo = size;
  const readPage = async (until: string): Promise<void> => {
    const range = { from: segmentSk(0, ''), to: until, limit: PAGE, reverse: true };
    const { entries, next } = await querySegments(table, dataset, range, signal);
    for (const entry of entries) {
      if (isReadable(entry)) byEnd.set(entry.headSize, [...(byEnd.get(entry.headSize) ?? []), entry as Segment]);
    }
    // Rivals with the same first block may follow on the next page.
    readDownTo = next === null ? 0 : (entries.at(-1)?.first ?? 0) + 1;
    to = next;
  };
  return async (end: number, batches: number): Promise<Segment[]> => {
    while (to !== null && readDownTo > Math.max(0, end - MAX_BATCH_BLOCKS)) await readPage(to);
    return (byEnd.get(end) ?? []).filter((segment) => segment.headBatches === batches);
  };
}

/** Deletes the log's entries from its end down to `fromBatches`. */
async function cutLog(table: Table, dataset: DatasetId, fromBatches: number, signal?: AbortSignal): Promise<void> {
  const from = logSk(fromBatches);
  let to: string | null = logSk(NUMBERS_END);
  while (to !== null) {
    const range: { from: string; to: string; limit: number; reverse: boolean } = {
      ...{ from, to, limit: PAGE, reverse: true },
    };
    const { items, next } = await table.query(datasetPk(dataset), range, signal);
    for (const { sk } of items) await table.delete(datasetPk(dataset), sk, 'any', signal);
    to = next;
  }
}

/** Deletes the cached hashes that cover anything behind the first `keptBatches`. */
async function forgetTiles(table: Table, dataset: DatasetId, keptBatches: number, signal?: AbortSignal): Promise<void> {
  for (let level = 0; level < TILE_LEVELS; level++) {
    const tile = Math.floor(keptBatches / TILE_WIDTH ** (level + 1));
    let from: string | null = tileSk(level, tile);
    while (from !== null) {
      const range: { from: string; to: string; limit: number } = { from, to: tileSk(level, NUMBERS_END), limit: PAGE };
      const { items, next } = await table.query(datasetPk(dataset), range, signal);
      for (const { sk } of items) await table.delete(datasetPk(dataset), sk, 'any', signal);
      from = next;
    }
  }
}

/** The chain vouches for what was turned away, be it for its signer (a device since replaced) or for its root. */
async function readmit(table: Table, dataset: DatasetId, segment: Segment, signal?: AbortSignal): Promise<void> {
  const { rejection: _, reason: __, ...rest } = segment;
  await writeSegmentEntry(table, dataset, { ...rest, state: 'received' }, { version: segment.version }, signal);
}
