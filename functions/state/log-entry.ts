import { type BatchLeaf, batchLeafHash } from '../../core/batch/record.ts';
import type { BatchRoot, DatasetId, Salt, SealedHash } from '../../core/ids.ts';
import type { Frontier } from '../../core/log/frontier.ts';
import type { Primitives } from '../../core/ports/primitives.ts';
import type { Item, Table } from '../../core/ports/table.ts';
import { datasetPk, type LogEntry, logSk } from './entries.ts';

export async function readLogEntry(
  table: Table,
  dataset: DatasetId,
  batches: number,
  signal?: AbortSignal,
): Promise<LogEntry | null> {
  const item = await table.get(datasetPk(dataset), logSk(batches), signal);
  return item === null ? null : logEntryOf(item);
}

/** Entries of log lengths from … to, both inclusive, as many of them as there are. */
export async function queryLog(
  table: Table,
  dataset: DatasetId,
  from: number,
  to: number,
  signal?: AbortSignal,
): Promise<LogEntry[]> {
  const entries: LogEntry[] = [];
  let start: string | null = logSk(from);
  while (start !== null) {
    const { items, next } = await table.query(
      datasetPk(dataset),
      { from: start, to: logSk(to), limit: Math.min(to - from + 1 - entries.length, 256) },
      signal,
    );
    entries.push(...items.map(logEntryOf));
    start = entries.length > to - from ? null : next;
  }
  return entries;
}

/** The last entry of the log, or null when it is empty. */
export async function readLogEnd(table: Table, dataset: DatasetId, signal?: AbortSignal): Promise<LogEntry | null> {
  const range = { from: logSk(0), to: logSk(0xffff_ffff), limit: 1, reverse: true };
  const [item] = (await table.query(datasetPk(dataset), range, signal)).items;
  return item === undefined ? null : logEntryOf(item);
}

/** Appends to the log; false when another process has put an entry there. */
export function appendLogEntry(
  table: Table,
  dataset: DatasetId,
  entry: LogEntry,
  signal?: AbortSignal,
): Promise<boolean> {
  return table.put({ pk: datasetPk(dataset), sk: logSk(entry.batches), ...entry }, 'absent', signal);
}

export function leafOf(dataset: DatasetId, entry: Pick<LogEntry, LeafField>): BatchLeaf {
  return {
    dataset,
    first: entry.first,
    count: entry.count,
    salt: entry.salt as Salt,
    batchRoot: entry.batchRoot as BatchRoot,
    sealedHash: entry.sealedHash as SealedHash,
  };
}

export function leafHashOf(hasher: Pick<Primitives, 'sha256'>, dataset: DatasetId, entry: LogEntry): Uint8Array {
  return batchLeafHash(hasher, leafOf(dataset, entry));
}

export function frontierOf(entry: LogEntry): Frontier {
  return { leaves: entry.batches, peaks: splitHashes(entry.peaks) };
}

export function splitHashes(bytes: Uint8Array): Uint8Array[] {
  return Array.from({ length: Math.floor(bytes.length / 32) }, (_, i) => bytes.subarray(32 * i, 32 * (i + 1)));
}

type LeafField = 'first' | 'count' | 'salt' | 'batchRoot' | 'sealedHash';

function logEntryOf(item: Item): LogEntry {
  const { pk: _, sk: __, version: ___, ...entry } = item;
  return entry as unknown as LogEntry;
}
