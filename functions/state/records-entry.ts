import type { Manifest } from '../../core/batch/manifest-fields.ts';
import { concatBytes } from '../../core/bytes.ts';
import type { DatasetId } from '../../core/ids.ts';
import { RECORD_BYTES } from '../../core/limits.ts';
import { recordBytes } from '../../core/log/record.ts';
import type { Item, Table } from '../../core/ports/table.ts';
import { datasetPk, type RecordsEntry, recordsSk } from './entries.ts';
import { queryLog } from './log-entry.ts';

/** Blocks of one page: no item spans two of them, so a page is one query and a batch a few items. */
export const RECORDS_PAGE = 512;

const QUERY_ITEMS = 512;
/** Beyond that, somebody has stored rivals without number; what is read first counts. */
const MAX_ITEMS = 4 * RECORDS_PAGE;

/**
 * Keeps a batch's records, before the log names the batch: what the log names is always there. Their key names the bytes that
 * they are of, so they never change.
 */
export async function keepRecords(
  table: Table,
  dataset: DatasetId,
  sha256Hex: string,
  manifest: Manifest,
  signal?: AbortSignal,
): Promise<void> {
  await Promise.all(
    cutRecords(sha256Hex, manifest).map((entry) =>
      table.put({ pk: datasetPk(dataset), sk: recordsSk(entry.from, sha256Hex), ...entry }, 'absent', signal),
    ),
  );
}

/** A batch's records, cut where pages end. */
export function cutRecords(sha256Hex: string, { first, serial, salt, nonce, blocks }: Manifest): RecordsEntry[] {
  const largestBlockBytes = Math.max(...blocks.map(({ size }) => size));
  const batch = { sha256Hex, first, count: blocks.length, serial, salt, nonce, largestBlockBytes };
  const entries: RecordsEntry[] = [];
  const end = first + blocks.length;
  for (let from = first; from < end; ) {
    const to = Math.min(end, (Math.floor(from / RECORDS_PAGE) + 1) * RECORDS_PAGE);
    const records = concatBytes(...blocks.slice(from - first, to - first).map(({ record }) => recordBytes(record)));
    entries.push({ from, ...batch, records });
    from = to;
  }
  return entries;
}

/**
 * The records of one page, in order, as the log has them: of rivals for one place those of the batch that the log names. What
 * is not there, or damaged, is missing in it.
 */
export async function readRecordsPage(
  table: Pick<Table, 'query'>,
  dataset: DatasetId,
  page: number,
  signal?: AbortSignal,
): Promise<RecordsEntry[]> {
  const [first, last] = [page * RECORDS_PAGE, (page + 1) * RECORDS_PAGE - 1];
  const entries: RecordsEntry[] = [];
  let from: string | null = recordsSk(first, '');
  while (from !== null && entries.length < MAX_ITEMS) {
    const range = { from, to: recordsSk(last, 'g'), limit: QUERY_ITEMS };
    const { items, next } = await table.query(datasetPk(dataset), range, signal);
    entries.push(...items.flatMap((item) => recordsOf(item) ?? []));
    from = next;
  }
  const isDisputed = entries.some((entry, i) => endOf(entry) > (entries[i + 1]?.from ?? Number.POSITIVE_INFINITY));
  if (!isDisputed) return entries;
  // The batch that reaches into the page has begun before it.
  const log = await queryLog(table, dataset, { from: Math.max(0, first - 1023), to: last, most: 2048 }, signal);
  const named = new Set(log.map(({ first, sha256Hex }) => `${first} ${sha256Hex}`));
  return entries.filter((entry) => named.has(`${entry.first} ${entry.sha256Hex}`));
}

/** The block behind the last one of these. */
export function endOf({ from, records }: Pick<RecordsEntry, 'from' | 'records'>): number {
  return from + records.length / RECORD_BYTES;
}

/** A damaged item costs its own blocks alone. */
function recordsOf(item: Item): RecordsEntry | null {
  const { pk: _, sk: __, version: ___, ...entry } = item as unknown as Item & RecordsEntry;
  const { from, records, first, count, serial, salt, nonce, largestBlockBytes } = entry;
  const isSound =
    records instanceof Uint8Array &&
    records.length % RECORD_BYTES === 0 &&
    typeof entry.sha256Hex === 'string' &&
    [from, first, count, serial, largestBlockBytes].every(Number.isSafeInteger) &&
    salt instanceof Uint8Array &&
    (nonce === null || nonce instanceof Uint8Array);
  return isSound ? (entry as unknown as RecordsEntry) : null;
}
