import type { DatasetId } from '../../core/ids.ts';
import { MAX_BATCH_BLOCKS } from '../../core/limits.ts';
import type { Item } from '../../core/ports/table.ts';
import { Problem } from '../answer/problem.ts';
import type { TableReader } from '../ports.ts';
import { readDatasetEntry } from '../state/dataset-entry.ts';
import { datasetPk, segmentSk, timeSk } from '../state/entries.ts';
import { mapBounded } from '../state/map-bounded.ts';
import { MAX_SPAN_MS, querySegments, readSegmentEntry, type StoredSegment } from '../state/segment-entry.ts';

export interface Page {
  readonly segments: readonly StoredSegment[];
  /** Cursor of the page after; null when this is the last. */
  readonly next: string | null;
}

const QUERY_ITEMS = 128;
/** After that a page ends, be it empty: one batch with a wrong clock makes a search by time look far back. */
const MAX_QUERIES = 40;
const PARALLEL = 16;

/** What to page through: blocks, or capture times, both ends included. */
export interface Range {
  readonly from: number;
  readonly to: number;
  readonly limit: number;
  readonly cursor: string | undefined;
}

/** Segments with blocks in the range, in order of their first block. @throws Problem when the cursor is none of this range */
export async function pageByBlock(
  table: TableReader,
  dataset: DatasetId,
  range: Range,
  signal?: AbortSignal,
): Promise<Page> {
  // A batch that began before the range may reach into it.
  const begin = segmentSk(Math.max(0, range.from - MAX_BATCH_BLOCKS + 1), '');
  const end = segmentSk(range.to, 'g');
  let start: string | null = startAt(range.cursor, begin, end);
  const found: { sk: string; segment: StoredSegment }[] = [];
  // One more than wanted: the page after begins with it.
  for (let queries = 0; start !== null && found.length <= range.limit && queries < MAX_QUERIES; queries++) {
    const page = await querySegments(table, dataset, { from: start, to: end, limit: QUERY_ITEMS }, signal);
    for (const segment of page.entries) {
      const { first, count = 1, sha256Hex } = segment;
      if (first + count > range.from) found.push({ sk: segmentSk(first, sha256Hex), segment });
    }
    start = page.next;
  }
  return pageOf(found, range.limit, start);
}

/** Segments with captures in the range, in order of their first. @throws Problem when the cursor is none of this range */
export async function pageByTime(
  table: TableReader,
  dataset: DatasetId,
  range: Range,
  signal?: AbortSignal,
): Promise<Page> {
  const { longestSpanMs } = await readDatasetEntry(table, dataset, signal);
  const beginMs = Math.max(0, range.from - Math.min(longestSpanMs, MAX_SPAN_MS));
  const begin = timeSk(beginMs, 0, '');
  const end = timeSk(range.to, Number.MAX_SAFE_INTEGER, 'g');
  let start: string | null = startAt(range.cursor, begin, end);
  const within: Item[] = [];
  for (let queries = 0; start !== null && within.length <= range.limit && queries < MAX_QUERIES; queries++) {
    const page = await table.query(datasetPk(dataset), { from: start, to: end, limit: QUERY_ITEMS }, signal);
    // What stands at both of its ends is found at the first, where that is looked at.
    const isSecond = ({ fromMs }: Item): boolean => typeof fromMs === 'number' && fromMs >= beginMs;
    within.push(...page.items.filter((item) => (item.toMs as number) >= range.from && !isSecond(item)));
    start = page.next;
  }
  const found = await mapBounded(within.slice(0, range.limit + 1), PARALLEL, async ({ sk }) => {
    const [, , first, sha256Hex] = sk.split('#') as [string, string, string, string];
    return { sk, segment: await readSegmentEntry(table, dataset, { first: Number(first), sha256Hex }, signal) };
  });
  return pageOf(found, range.limit, start);
}

function pageOf(
  found: readonly { sk: string; segment: StoredSegment | null }[],
  limit: number,
  next: string | null,
): Page {
  const segments = found.slice(0, limit).flatMap(({ segment }) => segment ?? []);
  return { segments, next: found[limit]?.sk ?? next };
}

/** A cursor is the key that the next page begins with. */
function startAt(cursor: string | undefined, begin: string, end: string): string {
  if (cursor === undefined) return begin;
  if (/^[BT](#[0-9]{16}){1,2}#[0-9a-f]{64}$/.test(cursor) && cursor >= begin && cursor <= end) return cursor;
  throw new Problem('/problems/bad-request', 'query.cursor: belongs to another range. Start without one.');
}
