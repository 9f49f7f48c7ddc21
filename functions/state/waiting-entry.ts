import type { DatasetId } from '../../core/ids.ts';
import type { Item, Table } from '../../core/ports/table.ts';
import { datasetPk, WAITING_PK, type WaitingEntry, waitingSk } from './entries.ts';
import { queryPages } from './query-pages.ts';
import type { ReadableSegment } from './segment-entry.ts';

const LAST_BLOCK = Number.MAX_SAFE_INTEGER;

/** Notes that a verified segment waits for its predecessor, and that its dataset has such. Repeating it changes nothing. */
export async function noteWaiting(
  table: Table,
  dataset: DatasetId,
  segment: ReadableSegment,
  signal?: AbortSignal,
): Promise<void> {
  const { first, sha256Hex, headSize: size, signer, frontBytes, receivedAtMs } = segment;
  const waiting: WaitingEntry = { first, sha256Hex, size, signer, frontBytes, receivedAtMs };
  await table.put({ pk: datasetPk(dataset), sk: waitingSk(first, sha256Hex), ...waiting }, 'absent', signal);
  // Behind it, and each time with another version: whoever finds none waiting any more takes away only what was there before.
  await table.put({ pk: WAITING_PK, sk: dataset }, 'any', signal);
}

/** A dataset that has, or had, segments waiting. */
export interface WaitingMark {
  readonly dataset: DatasetId;
  readonly version: number;
}

/**
 * All of them, from a random one on, so that none waits behind the others where the time is too short for all.
 * @param random at least 0, below 1
 */
export async function* readWaitingMarks(
  table: Pick<Table, 'query'>,
  random: number,
  signal?: AbortSignal,
): AsyncGenerator<WaitingMark> {
  const begin = `0x${Math.floor(random * 2 ** 32)
    .toString(16)
    .padStart(8, '0')}`;
  for (const range of [
    { from: begin, to: '0xg' },
    { from: '0x', to: begin },
  ]) {
    for await (const items of queryPages(table, WAITING_PK, range, signal)) {
      for (const { sk, version } of items) yield { dataset: sk as DatasetId, version };
    }
  }
}

export async function forgetWaitingMark(
  table: Table,
  { dataset, version }: WaitingMark,
  signal?: AbortSignal,
): Promise<void> {
  await table.delete(WAITING_PK, dataset, { version }, signal);
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
