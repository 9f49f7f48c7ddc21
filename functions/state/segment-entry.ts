import { parseSegmentKey, segmentKey } from '../../core/batch/segment-key.ts';
import { fromHex } from '../../core/bytes.ts';
import type { DatasetId } from '../../core/ids.ts';
import type { Item, Table, WriteCondition } from '../../core/ports/table.ts';
import { datasetPk, type SegmentEntry, segmentSk, timeSk } from './entries.ts';
import { queryPages } from './query-pages.ts';

/** A segment entry as it was read, for changing it. */
export type StoredSegment = SegmentEntry & { readonly version: number };

/** An entry whose segment could be read: all of its fields are known. */
export type ReadableSegment = Required<Omit<SegmentEntry, Occasional>> & Pick<SegmentEntry, Occasional>;
type Occasional = 'reason' | 'rejection' | 'expiresAtS' | 'lookedAtMs' | 'lostAtMs';

export async function readSegmentEntry(
  table: Pick<Table, 'get'>,
  dataset: DatasetId,
  name: { readonly first: number; readonly sha256Hex: string },
  signal?: AbortSignal,
): Promise<StoredSegment | null> {
  const item = await table.get(datasetPk(dataset), segmentSk(name.first, name.sha256Hex), signal);
  return item === null ? null : segmentOf(item);
}

/** False when the entry has changed meanwhile. What is damaged there is as if it were not there. */
export async function writeSegmentEntry(
  table: Table,
  dataset: DatasetId,
  entry: SegmentEntry,
  condition: WriteCondition,
  signal?: AbortSignal,
): Promise<boolean> {
  const { version: _, ...fields } = entry as StoredSegment;
  const item = { pk: datasetPk(dataset), sk: segmentSk(entry.first, entry.sha256Hex), ...fields };
  if (await table.put(item, condition, signal)) return true;
  const there = condition === 'absent' ? await table.get(item.pk, item.sk, signal) : null;
  if (there === null || segmentOf(there) !== null) return false;
  await table.delete(item.pk, item.sk, { version: there.version }, signal);
  return table.put(item, 'absent', signal);
}

/**
 * The longest span between first and last capture of a batch that a search by time looks back for. A batch with a longer one
 * was made while the clock was set, as at the first start without a battery: it stands at both of its ends, so that one of
 * them does not make every later search look at everything.
 */
export const MAX_SPAN_MS = 31 * 24 * 60 * 60 * 1000;

/** Where a segment stands by its capture times. `fromMs` is with the second place alone, of those that have two. */
export function timePlaces(
  entry: Pick<ReadableSegment, 'fromMs' | 'toMs' | 'first' | 'sha256Hex'>,
): { readonly sk: string; readonly toMs: number; readonly fromMs?: number }[] {
  const { fromMs, toMs, first, sha256Hex } = entry;
  const begin = { sk: timeSk(fromMs, first, sha256Hex), toMs };
  return toMs - fromMs <= MAX_SPAN_MS ? [begin] : [begin, { sk: timeSk(toMs, first, sha256Hex), toMs, fromMs }];
}

/** Makes the segment findable by its capture time. Repeating it changes nothing. */
export async function indexByTime(
  table: Table,
  dataset: DatasetId,
  entry: ReadableSegment,
  signal?: AbortSignal,
): Promise<void> {
  for (const place of timePlaces(entry)) await table.put({ pk: datasetPk(dataset), ...place }, 'absent', signal);
}

/** Entries of segments in a range of keys, in order or its reverse: a query for each page, as pages are taken. */
export async function* segmentPages(
  table: Pick<Table, 'query'>,
  dataset: DatasetId,
  range: { readonly from: string; readonly to: string; readonly reverse?: boolean },
  signal?: AbortSignal,
): AsyncGenerator<StoredSegment[]> {
  for await (const items of queryPages(table, datasetPk(dataset), range, signal)) {
    yield items.flatMap((item) => segmentOf(item) ?? []);
  }
}

/** One page of them; `limit` and `next` as the table's. */
export async function querySegments(
  table: Pick<Table, 'query'>,
  dataset: DatasetId,
  range: { from: string; to: string; limit: number },
  signal?: AbortSignal,
): Promise<{ entries: StoredSegment[]; next: string | null }> {
  const { items, next } = await table.query(datasetPk(dataset), range, signal);
  return { entries: items.flatMap((item) => segmentOf(item) ?? []), next };
}

export function isReadable(entry: SegmentEntry): entry is ReadableSegment & SegmentEntry {
  return entry.headSize !== undefined;
}

export function objectKey(dataset: DatasetId, entry: { first: number; sha256Hex: string }): string {
  return segmentKey(dataset, entry.first, fromHex(entry.sha256Hex, 'segment hash', 32));
}

/** Null for an item that is damaged, or of another name: it is as if it were not there. */
function segmentOf(item: Item): StoredSegment | null {
  const { pk, sk, ...fields } = item;
  const entry = fields as unknown as StoredSegment;
  const { key, first, sha256Hex, state, sizeBytes, counted, receivedAtMs } = entry;
  const name = typeof key === 'string' ? parseSegmentKey(key) : null;
  const isNamed =
    name !== null &&
    name.first === first &&
    name.sha256Hex === sha256Hex &&
    pk === datasetPk(name.dataset) &&
    sk === segmentSk(first, sha256Hex);
  const isSound =
    isNamed &&
    (state === 'received' || state === 'rejected') &&
    [sizeBytes, receivedAtMs].every(Number.isSafeInteger) &&
    typeof counted === 'boolean' &&
    (state === 'rejected' && entry.headSize === undefined ? true : hasSoundManifest(entry));
  return isSound ? entry : null;
}

function hasSoundManifest(entry: StoredSegment): boolean {
  const { count, headSize, headRoot, signature, signer, serial, frontBytes, largestBlockBytes, fromMs, toMs } = entry;
  return (
    [count, headSize, serial, frontBytes, largestBlockBytes, fromMs, toMs].every(Number.isSafeInteger) &&
    headRoot instanceof Uint8Array &&
    headRoot.length === 32 &&
    signature instanceof Uint8Array &&
    typeof signer === 'string'
  );
}
