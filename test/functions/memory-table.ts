import { setImmediate as nextTurn } from 'node:timers/promises';
import type { AttributeValue } from '@aws-sdk/client-dynamodb';
import { MOST_READ, MOST_WRITTEN, pagesOf } from '../../adapters/dynamodb/batch-limits.ts';
import { fromAttributes, toAttributes } from '../../adapters/dynamodb/item-attributes.ts';
import { ArgumentError, StoreUnavailableError } from '../../core/errors.ts';
import type { Item, ItemKey, ItemValue, Table } from '../../core/ports/table.ts';
import { countKeysBefore, mayWrite } from '../../dev/simulate/service/write-condition.ts';

/** DynamoDB's own bounds. */
const MOST_PK_BYTES = 2048;
const MOST_SK_BYTES = 1024;
const MOST_ITEM_BYTES = 400 * 1024;
const LARGEST_NUMBER = 1e126;
const SMALLEST_NUMBER = 1e-130;

type Attributes = Record<string, AttributeValue>;
type Written = ItemKey & { readonly [attribute: string]: ItemValue | undefined };

interface Kept {
  /** As DynamoDB would be sent them, bytes copied. */
  readonly attributes: Attributes;
  readonly version: number;
}

interface Partition {
  /** By `orderOf` the key. */
  readonly items: Map<string, Kept>;
  /** All its keys in order; null when some were added or taken away since. */
  sorted: string[] | null;
}

/**
 * A table of this process: it passes the suite that DynamoDB Local and the embedded table pass (test/conformance/table), takes a
 * hundredth of their time, and counts what it is asked. Whoever calls it waits for a turn of the event loop at least, so that
 * callers who race come between each other's calls. Its calls may be taken from it, to put others in their place.
 */
export class MemoryTable implements Table {
  readonly #partitions = new Map<string, Partition>();
  reads = 0;
  readItems = 0;
  writes = 0;
  writtenItems = 0;

  /** Everything in it. */
  *items(): Generator<Item> {
    for (const { items } of this.#partitions.values()) {
      for (const { attributes } of items.values()) yield read(attributes);
    }
  }

  readonly get: Table['get'] = async (pk, sk, signal) => {
    requireKey({ pk, sk });
    this.reads++;
    await turn(signal);
    return this.#find({ pk, sk });
  };

  readonly query: Table['query'] = async (pk, { from, to, limit, reverse = false }, signal) => {
    if (!Number.isInteger(limit) || limit < 1)
      throw new ArgumentError(`A query must ask for at least one item, not for ${limit}.`);
    this.reads++;
    if (orderOf(from) > orderOf(to)) return { items: [], next: null };
    for (const sk of [from, to]) requireKey({ pk, sk });
    await turn(signal);
    const partition = this.#partitions.get(pk);
    if (partition === undefined) return { items: [], next: null };
    partition.sorted ??= [...partition.items.keys()].sort();
    const begin = countKeysBefore(partition.sorted, orderOf(from));
    const end = countKeysBefore(partition.sorted, `${orderOf(to)}\0`);
    const keys = reverse
      ? partition.sorted.slice(Math.max(begin, end - limit - 1), end).reverse()
      : partition.sorted.slice(begin, Math.min(end, begin + limit + 1));
    this.readItems += Math.min(limit, keys.length);
    const found = keys.map((key) => read((partition.items.get(key) as Kept).attributes));
    return { items: found.slice(0, limit), next: found[limit]?.sk ?? null };
  };

  readonly put: Table['put'] = async (item, condition, signal) => {
    const written = encode(item as Written);
    this.writes++;
    this.writtenItems++;
    await turn(signal);
    const version = this.#versionOf(written.key);
    if (!mayWrite(condition, version)) return false;
    this.#keep(written, version + 1);
    return true;
  };

  readonly delete: Table['delete'] = async (pk, sk, condition, signal) => {
    requireKey({ pk, sk });
    this.writes++;
    this.writtenItems++;
    await turn(signal);
    if (condition !== 'any' && !mayWrite(condition, this.#versionOf({ pk, sk }))) return false;
    this.#forget({ pk, sk });
    return true;
  };

  readonly getMany: Table['getMany'] = async (keys, signal) => {
    keys.forEach(requireKey);
    this.reads += Math.ceil(keys.length / MOST_READ);
    await turn(signal);
    return keys.map((key) => this.#find(key));
  };

  readonly putMany: Table['putMany'] = async (items, signal) => {
    this.writes += Math.ceil(items.length / MOST_WRITTEN);
    this.writtenItems += items.length;
    await this.#inPages(
      items.map(encode),
      ({ key }) => key,
      (one) => this.#keep(one, 1),
      signal,
    );
  };

  readonly deleteMany: Table['deleteMany'] = async (keys, signal) => {
    keys.forEach(requireKey);
    this.writes += Math.ceil(keys.length / MOST_WRITTEN);
    this.writtenItems += keys.length;
    await this.#inPages(
      keys,
      (key) => key,
      (key) => this.#forget(key),
      signal,
    );
  };

  /** A page is taken as a whole or not at all, as one that names a key twice is not. */
  async #inPages<T>(
    all: readonly T[],
    keyOf: (one: T) => ItemKey,
    write: (one: T) => void,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    for (const page of pagesOf(all, MOST_WRITTEN)) {
      await turn(signal);
      if (new Set(page.map((one) => JSON.stringify([keyOf(one).pk, keyOf(one).sk]))).size < page.length) {
        throw refusal('A batch names a key twice');
      }
      page.forEach(write);
    }
  }

  #find({ pk, sk }: ItemKey): Item | null {
    const kept = this.#partitions.get(pk)?.items.get(orderOf(sk));
    if (kept === undefined) return null;
    this.readItems++;
    return read(kept.attributes);
  }

  #versionOf({ pk, sk }: ItemKey): number {
    return this.#partitions.get(pk)?.items.get(orderOf(sk))?.version ?? 0;
  }

  #keep({ key, attributes }: { key: ItemKey; attributes: Attributes }, version: number): void {
    const partition = this.#partitions.get(key.pk) ?? { items: new Map(), sorted: null };
    this.#partitions.set(key.pk, partition);
    const name = orderOf(key.sk);
    if (!partition.items.has(name)) partition.sorted = null;
    partition.items.set(name, { attributes: { ...attributes, version: { N: String(version) } }, version });
  }

  #forget({ pk, sk }: ItemKey): void {
    const partition = this.#partitions.get(pk);
    if (partition?.items.delete(orderOf(sk)) === true) partition.sorted = null;
  }
}

async function turn(signal: AbortSignal | undefined): Promise<void> {
  signal?.throwIfAborted();
  await nextTurn();
  signal?.throwIfAborted();
}

/** What would be sent now: the caller may change its bytes as soon as it has called. */
function encode(item: Written): { key: ItemKey; attributes: Attributes } {
  const key = { pk: item.pk, sk: item.sk };
  requireKey(key);
  const attributes = toAttributes(item);
  let sizeBytes = 0;
  for (const [name, { S, N, B }] of Object.entries(attributes)) {
    if (N !== undefined) requireNumber(name, Number(N));
    if (B !== undefined) attributes[name] = { B: B.slice() };
    sizeBytes += Buffer.byteLength(name) + (B?.length ?? Buffer.byteLength(S ?? N ?? ' '));
  }
  if (sizeBytes > MOST_ITEM_BYTES) throw refusal(`An item has ${sizeBytes} bytes; at most ${MOST_ITEM_BYTES} fit`);
  return { key, attributes };
}

function read(attributes: Attributes): Item {
  return fromAttributes(attributes);
}

function requireKey({ pk, sk }: ItemKey): void {
  for (const [name, key, most] of [
    ['pk', pk, MOST_PK_BYTES],
    ['sk', sk, MOST_SK_BYTES],
  ] as const) {
    const sizeBytes = Buffer.byteLength(key);
    if (sizeBytes < 1 || sizeBytes > most) throw refusal(`A ${name} has ${sizeBytes} bytes; 1 to ${most} are allowed`);
  }
}

function requireNumber(name: string, value: number): void {
  const magnitude = Math.abs(value);
  if (magnitude >= LARGEST_NUMBER || (magnitude > 0 && magnitude < SMALLEST_NUMBER)) {
    throw refusal(`The number ${name} is ${value}; DynamoDB keeps none beyond ${LARGEST_NUMBER} or ${SMALLEST_NUMBER}`);
  }
}

/** As the adapter says it, which takes every refusal for an outage. */
function refusal(what: string): StoreUnavailableError {
  return new StoreUnavailableError(`The table cannot be used now (ValidationException). ${what}.`);
}

/**
 * The key as text that `<` puts in the order of its UTF-8 bytes. JavaScript compares units of UTF-16, among which the halves of
 * what lies beyond U+FFFF come before U+E000: here they change places.
 */
function orderOf(sk: string): string {
  return /[\uD800-\uFFFF]/.test(sk)
    ? sk.replace(/[\uD800-\uFFFF]/g, (unit) => {
        const code = unit.charCodeAt(0);
        return String.fromCharCode(code >= 0xe000 ? code - 0x800 : code + 0x2000);
      })
    : sk;
}
