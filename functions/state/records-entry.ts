import type { Manifest } from '../../core/batch/manifest-fields.ts';
import { concatBytes, equalBytes, utf8 } from '../../core/bytes.ts';
import type { DatasetId } from '../../core/ids.ts';
import { RECORD_BYTES } from '../../core/limits.ts';
import { recordBytes } from '../../core/log/record.ts';
import type { Primitives } from '../../core/ports/primitives.ts';
import type { Item, Table } from '../../core/ports/table.ts';
import { datasetPk, type RecordsEntry, recordsSk } from './entries.ts';
import { queryLog } from './log-entry.ts';
import { queryPages } from './query-pages.ts';

/** Blocks of one page: no item spans two of them, so a page is one query and a batch a few items. */
export const RECORDS_PAGE = 512;

type Hasher = Pick<Primitives, 'sha256'>;

const QUERY_ITEMS = 512;
/** Beyond that, somebody has stored rivals without number; what is read first counts. */
const MAX_ITEMS = 4 * RECORDS_PAGE;

/**
 * Keeps a batch's records, before the log names the batch: what the log names is always there. Their key names the bytes that
 * they are of, so they never change.
 */
export async function keepRecords(
  { table, primitives }: { readonly table: Table; readonly primitives: Hasher },
  dataset: DatasetId,
  sha256Hex: string,
  manifest: Manifest,
  signal?: AbortSignal,
): Promise<void> {
  await putRecords(table, dataset, cutRecords(primitives, sha256Hex, manifest), signal);
}

/** Keeps records that were cut already. */
export async function putRecords(
  table: Table,
  dataset: DatasetId,
  entries: readonly RecordsEntry[],
  signal?: AbortSignal,
): Promise<void> {
  await Promise.all(
    entries.map((entry) =>
      table.put({ pk: datasetPk(dataset), sk: recordsSk(entry.from, entry.sha256Hex), ...entry }, 'absent', signal),
    ),
  );
}

/** A batch's records, cut where pages end. */
export function cutRecords(
  hasher: Hasher,
  sha256Hex: string,
  { first, serial, salt, nonce, blocks }: Manifest,
): RecordsEntry[] {
  const largestBlockBytes = Math.max(...blocks.map(({ size }) => size));
  const batch = { sha256Hex, first, count: blocks.length, serial, salt, nonce, largestBlockBytes };
  const entries: RecordsEntry[] = [];
  const end = first + blocks.length;
  for (let from = first; from < end; ) {
    const to = Math.min(end, (Math.floor(from / RECORDS_PAGE) + 1) * RECORDS_PAGE);
    const records = concatBytes(...blocks.slice(from - first, to - first).map(({ record }) => recordBytes(record)));
    const entry = { from, ...batch, records };
    entries.push({ ...entry, check: checkOf(hasher, entry) });
    from = to;
  }
  return entries;
}

/**
 * The records of one page, in order, as the log has them: of rivals for one place those of the batch that the log names. What
 * is not there, or damaged, is missing in it.
 */
export async function readRecordsPage(
  { table, primitives }: { readonly table: Pick<Table, 'query'>; readonly primitives: Hasher },
  dataset: DatasetId,
  page: number,
  signal?: AbortSignal,
): Promise<RecordsEntry[]> {
  const [first, last] = [page * RECORDS_PAGE, (page + 1) * RECORDS_PAGE - 1];
  const entries: RecordsEntry[] = [];
  const range = { from: recordsSk(first, ''), to: recordsSk(last, 'g'), page: QUERY_ITEMS };
  for await (const items of queryPages(table, datasetPk(dataset), range, signal)) {
    entries.push(...items.flatMap((item) => recordsOf(primitives, item) ?? []));
    if (entries.length >= MAX_ITEMS) break;
  }
  const isDisputed = entries.some((entry, i) => endOf(entry) > (entries[i + 1]?.from ?? Number.POSITIVE_INFINITY));
  if (!isDisputed) return entries;
  // The batch that reaches into the page has begun before it.
  const log = await queryLog(table, dataset, { from: Math.max(0, first - 1023), to: last, most: 2048 }, signal);
  const named = new Set(log.map(({ first, batch = first, sha256Hex }) => `${batch} ${sha256Hex}`));
  return entries.filter((entry) => named.has(`${entry.first} ${entry.sha256Hex}`));
}

/** All records of one batch, cut as they are kept; null where one of its items is missing or damaged. */
export async function readRecordsOf(
  { table, primitives }: { readonly table: Pick<Table, 'get'>; readonly primitives: Hasher },
  dataset: DatasetId,
  { first, count, sha256Hex }: { readonly first: number; readonly count: number; readonly sha256Hex: string },
  signal?: AbortSignal,
): Promise<RecordsEntry[] | null> {
  const entries: RecordsEntry[] = [];
  for (let from = first; from < first + count; ) {
    const item = await table.get(datasetPk(dataset), recordsSk(from, sha256Hex), signal);
    const entry = item === null ? null : recordsOf(primitives, item);
    if (entry === null || endOf(entry) <= from) return null;
    entries.push(entry);
    from = endOf(entry);
  }
  return entries;
}

/** The records themselves, 96 bytes each. */
export function recordsIn({ records }: Pick<RecordsEntry, 'records'>): Uint8Array[] {
  return Array.from({ length: records.length / RECORD_BYTES }, (_, i) =>
    records.subarray(i * RECORD_BYTES, (i + 1) * RECORD_BYTES),
  );
}

/** The block behind the last one of these. */
export function endOf({ from, records }: Pick<RecordsEntry, 'from' | 'records'>): number {
  return from + records.length / RECORD_BYTES;
}

/** A damaged item costs its own blocks alone, and these only where their manifest is gone, too. */
function recordsOf(hasher: Hasher, item: Item): RecordsEntry | null {
  const { pk: _, sk, version: __, ...entry } = item as unknown as Item & RecordsEntry;
  const { from, records, first, count, serial, salt, nonce, largestBlockBytes, check } = entry;
  const isWhole =
    records instanceof Uint8Array &&
    records.length % RECORD_BYTES === 0 &&
    typeof entry.sha256Hex === 'string' &&
    [from, first, count, serial, largestBlockBytes].every(Number.isSafeInteger) &&
    salt instanceof Uint8Array &&
    (nonce === null || nonce instanceof Uint8Array) &&
    check instanceof Uint8Array;
  if (!isWhole) return null;
  // What was swapped stands under the key of another.
  return sk === recordsSk(from, entry.sha256Hex) && equalBytes(check, checkOf(hasher, entry)) ? entry : null;
}

/** Shows damage, not malice: whoever checks a proof is the judge of that. */
function checkOf({ sha256 }: Hasher, entry: Omit<RecordsEntry, 'check'>): Uint8Array {
  const { from, sha256Hex, first, count, serial, salt, nonce, largestBlockBytes, records } = entry;
  const numbers = utf8(JSON.stringify([from, sha256Hex, first, count, serial, largestBlockBytes, nonce === null]));
  return sha256(concatBytes(sha256(numbers), sha256(salt), sha256(nonce ?? new Uint8Array(0)), records));
}
