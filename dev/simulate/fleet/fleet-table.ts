import { MOST_READ, MOST_WRITTEN, pagesOf } from '../../../adapters/dynamodb/batch-limits.ts';
import { eachInParallel } from '../../../core/each-in-parallel.ts';
import { ArgumentError, StoreUnavailableError } from '../../../core/errors.ts';
import type { Item, ItemKey, ItemValue, Table } from '../../../core/ports/table.ts';
import { unlessAborted } from '../service/memory-bucket.ts';
import type { CountName } from './counts.ts';
import type { FleetItems } from './fleet-items.ts';

/** How one function reaches the table. */
export interface TableWay {
  /** One request to DynamoDB, of so many items. @throws StoreUnavailableError while the table is away */
  readonly request: (items: number) => Promise<void>;
  readonly count: (name: CountName, count: number) => void;
}

/** DynamoDB answers a query with at most so many bytes at a time. */
const PAGE_BYTES = 2 ** 20;
/** Requests under way at a time (adapters/dynamodb/dynamo-batches.ts). */
const PARALLEL = 16;
/** As the adapter does. */
const MOST_UNCONDITIONAL_ATTEMPTS = 200;

/** The Table port on items in memory, with the requests that the adapter would make (adapters/dynamodb/dynamo-table.ts). */
export function createFleetTable(items: FleetItems, { request, count }: TableWay): Table {
  const ask = async (name: 'tableReads' | 'tableWrites', brings: number, signal?: AbortSignal): Promise<void> => {
    count(name, 1);
    count(name === 'tableReads' ? 'itemsRead' : 'itemsWritten', brings);
    await (signal === undefined ? request(brings) : unlessAborted(request(brings), signal));
  };
  const get: Table['get'] = async (pk, sk, signal) => {
    await ask('tableReads', 1, signal);
    const item = items.get(pk, sk);
    count('tableBytes', sizeOf(item));
    return item;
  };
  const put: Table['put'] = async (given, condition, signal) => {
    const item = keptOf(given);
    if (condition === 'any') {
      // DynamoDB cannot replace an item and count its version in one write.
      for (let attempt = 0; attempt < MOST_UNCONDITIONAL_ATTEMPTS; attempt++) {
        const found = await get(item.pk as string, item.sk as string, signal);
        if (await put(item, found === null ? 'absent' : { version: found.version }, signal)) return true;
      }
      throw new StoreUnavailableError('An item was written by others too often.');
    }
    await ask('tableWrites', 1, signal);
    count('tableBytes', sizeOf(item));
    const isWritten = items.put(item, condition);
    if (!isWritten) count('refusedWrites', 1);
    return isWritten;
  };
  return {
    get,
    put,
    async query(pk, range, signal) {
      if (!Number.isInteger(range.limit) || range.limit < 1) {
        throw new ArgumentError(`A query for ${range.limit} items asks for none.`);
      }
      if (range.from > range.to) return { items: [], next: null };
      // One item more than wanted: its key is where the next query begins.
      const more = { ...range, limit: range.limit + 1 };
      const pagesOf = (all: readonly Item[]): number => countPages(all.map(sizeOf));
      const expected = items.query(pk, more).items;
      for (let page = 0; page < pagesOf(expected); page++) {
        await ask('tableReads', page === 0 ? expected.length : 0, signal);
      }
      const answer = items.query(pk, range);
      count(
        'tableBytes',
        answer.items.reduce((sum, item) => sum + sizeOf(item), 0),
      );
      return answer;
    },
    async delete(pk, sk, condition, signal) {
      await ask('tableWrites', 1, signal);
      return items.delete(pk, sk, condition);
    },
    async getMany(keys, signal) {
      const distinct = [...new Map(keys.map((key) => [`${key.pk} ${key.sk}`, key])).values()];
      await eachInParallel(pagesOf(distinct, MOST_READ), PARALLEL, (page) => ask('tableReads', page.length, signal));
      const found = keys.map(({ pk, sk }) => items.get(pk, sk));
      for (const item of found) count('tableBytes', sizeOf(item));
      return found;
    },
    async putMany(all, signal) {
      await eachInParallel(pagesOf(all.map(keptOf), MOST_WRITTEN), PARALLEL, async (page) => {
        await ask('tableWrites', page.length, signal);
        for (const item of page) {
          count('tableBytes', sizeOf(item));
          items.replace(item);
        }
      });
    },
    async deleteMany(keys, signal) {
      await eachInParallel(pagesOf<ItemKey>(keys, MOST_WRITTEN), PARALLEL, async (page) => {
        await ask('tableWrites', page.length, signal);
        for (const { pk, sk } of page) items.delete(pk, sk, 'any');
      });
    },
  };
}

/** A page ends with the item that passes its bound. */
function countPages(sizes: readonly number[]): number {
  let [pages, bytes] = [1, 0];
  for (const size of sizes) {
    if (bytes > PAGE_BYTES) [pages, bytes] = [pages + 1, 0];
    bytes += size;
  }
  return pages;
}

/** As DynamoDB would give it back. @throws ArgumentError for a number that it would not */
function keptOf(given: Parameters<Table['put']>[0]): Omit<Item, 'version'> {
  const item: Record<string, ItemValue> = {};
  for (const name in given) {
    const value = given[name];
    if (value === undefined || name === 'version') continue;
    if (typeof value === 'number' && !Number.isFinite(value)) {
      throw new ArgumentError(`The attribute ${name} is ${value}: no table keeps that.`);
    }
    item[name] = value instanceof Uint8Array ? Uint8Array.from(value) : value;
  }
  return item as unknown as Omit<Item, 'version'>;
}

/** About as DynamoDB reckons: names and values. */
function sizeOf(item: Readonly<Record<string, ItemValue | undefined>> | null): number {
  let bytes = 0;
  for (const name in item) {
    const value = item[name];
    bytes += name.length + (typeof value === 'string' || value instanceof Uint8Array ? value.length : 8);
  }
  return bytes;
}
