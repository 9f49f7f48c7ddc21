import type { DatasetId } from '../../core/ids.ts';
import { EMPTY_PEAKS, type Peaks } from '../../core/log/peaks.ts';
import type { Item, Table } from '../../core/ports/table.ts';
import { datasetPk, type LogEntry, logSk } from './entries.ts';
import { queryPages } from './query-pages.ts';

const LAST_BLOCK = Number.MAX_SAFE_INTEGER;
const PAGE = 256;

/** The log's entry that ends at this size, or null when none does. */
export async function readLogEntry(
  table: Pick<Table, 'query'>,
  dataset: DatasetId,
  size: number,
  signal?: AbortSignal,
): Promise<LogEntry | null> {
  const entry = size === 0 ? null : await findLogEntry(table, dataset, size - 1, signal);
  return entry?.size === size ? entry : null;
}

/** The log's entry that a block lies in, or null when the log ends before. */
export async function findLogEntry(
  table: Pick<Table, 'query'>,
  dataset: DatasetId,
  index: number,
  signal?: AbortSignal,
): Promise<LogEntry | null> {
  const range = { from: logSk(0), to: logSk(index), limit: 1, reverse: true };
  const [item] = (await table.query(datasetPk(dataset), range, signal)).items;
  const entry = item === undefined ? null : logEntryOf(item);
  return entry !== null && index < entry.size ? entry : null;
}

/** The log's entries that begin with blocks from … to, both inclusive, in order: at most `most` of them. */
export function queryLog(
  table: Pick<Table, 'query'>,
  dataset: DatasetId,
  { from, to, most }: { readonly from: number; readonly to: number; readonly most: number },
  signal?: AbortSignal,
): Promise<LogEntry[]> {
  return takeEntries(table, dataset, { from, to, reverse: false }, most, signal);
}

/** The last entries of the log, the newest first; fewer than asked for when it is shorter. */
export function readLastEntries(
  table: Pick<Table, 'query'>,
  dataset: DatasetId,
  most: number,
  signal?: AbortSignal,
): Promise<LogEntry[]> {
  return readEntriesDown(table, dataset, LAST_BLOCK, most, signal);
}

/** The entry that a block lies in and those before it, the newest first; the log may end before the block. */
export function readEntriesDown(
  table: Pick<Table, 'query'>,
  dataset: DatasetId,
  index: number,
  most: number,
  signal?: AbortSignal,
): Promise<LogEntry[]> {
  return takeEntries(table, dataset, { from: 0, to: index, reverse: true }, most, signal);
}

async function takeEntries(
  table: Pick<Table, 'query'>,
  dataset: DatasetId,
  { from, to, reverse }: { readonly from: number; readonly to: number; readonly reverse: boolean },
  most: number,
  signal?: AbortSignal,
): Promise<LogEntry[]> {
  const entries: LogEntry[] = [];
  const range = { from: logSk(from), to: logSk(to), reverse, page: Math.min(PAGE, most) };
  for await (const items of queryPages(table, datasetPk(dataset), range, signal)) {
    entries.push(...items.flatMap((item) => logEntryOf(item) ?? []));
    if (entries.length >= most) break;
  }
  return entries.slice(0, most);
}

/** The last entry of the log, or null when it is empty. */
export async function readLogEnd(
  table: Pick<Table, 'query'>,
  dataset: DatasetId,
  signal?: AbortSignal,
): Promise<LogEntry | null> {
  const [end = null] = await readLastEntries(table, dataset, 1, signal);
  return end;
}

/**
 * Appends to the log; false when another process has put an entry for this place there. What is damaged there is as if it were
 * not there.
 */
export async function appendLogEntry(
  table: Table,
  dataset: DatasetId,
  entry: LogEntry,
  signal?: AbortSignal,
): Promise<boolean> {
  const item = { pk: datasetPk(dataset), sk: logSk(entry.first), ...entry };
  if (await table.put(item, 'absent', signal)) return true;
  const there = await table.get(item.pk, item.sk, signal);
  if (there === null || logEntryOf(there) !== null) return false;
  return table.put(item, { version: there.version }, signal);
}

/** What names an entry's segment; null for a gap. */
export function batchOf({ first, batch = first, sha256Hex }: Pick<LogEntry, 'first' | 'batch' | 'sha256Hex'>) {
  return sha256Hex === null ? null : { first: batch, sha256Hex };
}

/** Whether it is the part of a batch: others of its blocks lie in a gap. */
export function isPart({ sha256Hex, signature }: Pick<LogEntry, 'sha256Hex' | 'signature'>): boolean {
  return sha256Hex !== null && signature === null;
}

/** The log's peaks after this entry; null stands for the empty log. */
export function peaksAfter(entry: Pick<LogEntry, 'size' | 'peaks'> | null): Peaks {
  return entry === null ? EMPTY_PEAKS : { size: entry.size, peaks: splitHashes(entry.peaks) };
}

export function splitHashes(bytes: Uint8Array): Uint8Array[] {
  return Array.from({ length: Math.floor(bytes.length / 32) }, (_, i) => bytes.subarray(32 * i, 32 * (i + 1)));
}

/** Null for an item that is damaged, or of another place: it is as if it were not there. */
function logEntryOf(item: Item): LogEntry | null {
  const { pk: _, sk, version: __, ...fields } = item;
  const entry = fields as unknown as LogEntry;
  const { first, size, sha256Hex, batch = first, root, peaks, signature, signer, gaps, appended } = entry;
  const isSound =
    [first, batch, size, gaps].every(Number.isSafeInteger) &&
    batch >= 0 &&
    batch <= first &&
    first < size &&
    sk === logSk(first) &&
    isHashes(root, 1) &&
    isHashes(peaks) &&
    typeof signer === 'string' &&
    (sha256Hex === null
      ? isHashes(appended)
      : typeof sha256Hex === 'string' &&
        (signature === null || signature instanceof Uint8Array) &&
        Number.isSafeInteger(entry.serial));
  return isSound ? entry : null;
}

function isHashes(bytes: unknown, count: number | null = null): boolean {
  if (!(bytes instanceof Uint8Array)) return false;
  return count === null ? bytes.length % 32 === 0 : bytes.length === 32 * count;
}
