import { concatBytes, equalBytes } from '../../core/bytes.ts';
import type { DatasetId } from '../../core/ids.ts';
import { appendLeaf, EMPTY_FRONTIER, frontierRoot } from '../../core/log/frontier.ts';
import type { Head } from '../../core/log/head.ts';
import type { Primitives } from '../../core/ports/primitives.ts';
import type { Table } from '../../core/ports/table.ts';
import { datasetPk, type LogEntry, logSk, segmentSk, tileSk } from './entries.ts';
import { appendLogEntry, frontierOf, leafHashOf, readLogEntry } from './log-entry.ts';
import {
  isReadable,
  querySegments,
  type ReadableSegment,
  type StoredSegment,
  writeSegmentEntry,
} from './segment-entry.ts';

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
/** Segments looked at in one search. A device that signs more rivals than that for its own log is left alone. */
const MAX_VISITS = 20_000;

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
  if (firstNew === undefined) return 'unknown';
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

interface Step {
  readonly entry: LogEntry;
  readonly segment: Segment;
}

/**
 * Stored segments that lead from the log (or from nothing) to the chain's head, with the entries they become. Walks
 * backwards, as only the last one's root is known, and forwards from where it meets the log.
 */
async function findPath(
  ports: Ports,
  dataset: DatasetId,
  chain: Pick<Head, 'batches' | 'size' | 'root'>,
  signal?: AbortSignal,
): Promise<Step[] | null> {
  let visits = 0;
  const segmentsEndingAt = segmentsBackFrom(ports.table, dataset, chain.size, signal);
  const ends = await segmentsEndingAt(chain.size, chain.batches);
  // Each way backwards is a list from its earliest segment to the chain's head; the shortest detours are tried first.
  const open = ends.filter((segment) => equalBytes(segment.headRoot, chain.root)).map((segment) => [segment]);
  for (let way = open.pop(); way !== undefined && visits < MAX_VISITS; way = open.pop()) {
    visits++;
    const earliest = way[0] as Segment;
    const before = await readLogEntry(ports.table, dataset, earliest.headBatches - 1, signal);
    if (earliest.headBatches === 1 || before !== null) {
      const steps = walkForwards(ports, dataset, earliest.headBatches === 1 ? null : before, way);
      if (steps !== null) return steps;
    }
    if (earliest.headBatches === 1) continue;
    const earlier = await segmentsEndingAt(earliest.first, earliest.headBatches - 1);
    for (const segment of earlier) open.push([segment, ...way]);
  }
  return null;
}

/** The entries these segments become behind `before`; null when one of them does not lead to the head it was signed with. */
function walkForwards(
  { primitives }: Ports,
  dataset: DatasetId,
  before: LogEntry | null,
  segments: readonly Segment[],
): Step[] | null {
  let frontier = before === null ? EMPTY_FRONTIER : frontierOf(before);
  let size = before === null ? 0 : before.first + before.count;
  const steps: Step[] = [];
  for (const segment of segments) {
    const { first, count, sha256Hex, salt, batchRoot, sealedHash, published, signature, signer } = segment;
    const batch = { first, count, sha256Hex, salt, batchRoot, sealedHash, published, signature, signer };
    if (first !== size) return null;
    frontier = appendLeaf(primitives, frontier, leafHashOf(primitives, dataset, batch as LogEntry));
    const root = frontierRoot(primitives, frontier);
    if (!equalBytes(root, segment.headRoot)) return null;
    const entry = { batches: frontier.leaves, ...batch, peaks: concatBytes(...frontier.peaks), root };
    steps.push({ entry, segment });
    size += count;
  }
  return steps;
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
