import type { DatasetId } from '../../core/ids.ts';
import type { Item, Table } from '../../core/ports/table.ts';
import { datasetPk, type WaitingEntry, waitingSk } from './entries.ts';
import type { ReadableSegment } from './segment-entry.ts';

const LAST_BLOCK = Number.MAX_SAFE_INTEGER;

/** Notes that a verified segment waits for its predecessor. Repeating it changes nothing. */
export async function noteWaiting(
  table: Table,
  dataset: DatasetId,
  segment: ReadableSegment,
  signal?: AbortSignal,
): Promise<void> {
  const { first, sha256Hex, headSize: size, signer, frontBytes, receivedAtMs } = segment;
  const waiting: WaitingEntry = { first, sha256Hex, size, signer, frontBytes, receivedAtMs };
  await table.put({ pk: datasetPk(dataset), sk: waitingSk(first, sha256Hex), ...waiting }, 'absent', signal);
}

/** Segments that wait, those that begin first before the others. */
export async function readWaiting(
  table: Pick<Table, 'query'>,
  dataset: DatasetId,
  most: number,
  signal?: AbortSignal,
): Promise<WaitingEntry[]> {
  const range = { from: waitingSk(0, ''), to: waitingSk(LAST_BLOCK, 'g'), limit: most };
  const { items } = await table.query(datasetPk(dataset), range, signal);
  return items.map((item: Item) => item as unknown as WaitingEntry);
}

export async function forgetWaiting(
  table: Table,
  dataset: DatasetId,
  { first, sha256Hex }: Pick<WaitingEntry, 'first' | 'sha256Hex'>,
  signal?: AbortSignal,
): Promise<void> {
  await table.delete(datasetPk(dataset), waitingSk(first, sha256Hex), 'any', signal);
}
