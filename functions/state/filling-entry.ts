import type { DatasetId } from '../../core/ids.ts';
import type { Item, Table } from '../../core/ports/table.ts';
import { FILLING_PK, fillingSk } from './entries.ts';
import { queryPages } from './query-pages.ts';

/**
 * A stretch of a log in which stored segments take the place of the chain's word. It is noted before the first entry is written
 * and forgotten behind the last, so that whoever finds it can do all of it again.
 */
export interface Filling {
  readonly dataset: DatasetId;
  /** The stretch's first block. */
  readonly from: number;
  /** Where the stretch ends, and the log's root there. */
  readonly size: number;
  readonly root: Uint8Array;
  /** First blocks of the entries that are to go. */
  readonly torn: readonly number[];
}

export async function noteFilling(table: Table, filling: Filling, signal?: AbortSignal): Promise<void> {
  const { dataset, from, torn, ...rest } = filling;
  const item = { pk: FILLING_PK, sk: fillingSk(dataset, from), dataset, from, torn: JSON.stringify(torn), ...rest };
  await table.put(item, 'any', signal);
}

export async function forgetFilling(
  table: Table,
  { dataset, from }: Pick<Filling, 'dataset' | 'from'>,
  signal?: AbortSignal,
): Promise<void> {
  await table.delete(FILLING_PK, fillingSk(dataset, from), 'any', signal);
}

/** All that were begun and not finished, or are under way. */
export async function* readFillings(table: Pick<Table, 'query'>, signal?: AbortSignal): AsyncGenerator<Filling> {
  for await (const items of queryPages(table, FILLING_PK, { from: '0x', to: '0xg' }, signal)) {
    for (const item of items) {
      const filling = fillingOf(item);
      if (filling !== null) yield filling;
    }
  }
}

/** Null for an item that is damaged: a rebuild goes through that log. */
function fillingOf(item: Item): Filling | null {
  const { dataset, from, size, root, torn } = item as unknown as Filling & { readonly torn: unknown };
  const firsts = typeof torn === 'string' ? parseNumbers(torn) : null;
  const isSound =
    firsts !== null &&
    typeof dataset === 'string' &&
    [from, size].every(Number.isSafeInteger) &&
    root instanceof Uint8Array &&
    item.sk === fillingSk(dataset, from);
  return isSound ? { dataset, from, size, root, torn: firsts } : null;
}

function parseNumbers(text: string): number[] | null {
  try {
    const list: unknown = JSON.parse(text);
    return Array.isArray(list) && list.every(Number.isSafeInteger) ? (list as number[]) : null;
  } catch {
    return null;
  }
}
