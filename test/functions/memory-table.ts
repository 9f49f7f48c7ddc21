import { MOST_READ, MOST_WRITTEN } from '../../adapters/dynamodb/batch-limits.ts';
import type { Item, ItemKey, ItemValue, Table, WriteCondition } from '../../core/ports/table.ts';
import { countKeysBefore, mayWrite } from '../../dev/simulate/service/write-condition.ts';

interface Partition {
  readonly items: Map<string, Item>;
  /** All keys in order; null when some were added or taken away since. */
  sorted: string[] | null;
}

/** A table of this process, for logs that would take a served one minutes to hold: it counts what it is asked. */
export class MemoryTable implements Table {
  readonly #partitions = new Map<string, Partition>();
  reads = 0;
  readItems = 0;
  writes = 0;
  writtenItems = 0;

  /** Everything in it. */
  *items(): Generator<Item> {
    for (const { items } of this.#partitions.values()) yield* items.values();
  }

  async get(pk: string, sk: string): Promise<Item | null> {
    this.reads++;
    const item = this.#partitions.get(pk)?.items.get(sk) ?? null;
    if (item !== null) this.readItems++;
    return item;
  }

  async query(
    pk: string,
    { from, to, limit, reverse = false }: { from: string; to: string; limit: number; reverse?: boolean },
  ): Promise<{ items: Item[]; next: string | null }> {
    this.reads++;
    const partition = this.#partitions.get(pk);
    if (partition === undefined || from > to) return { items: [], next: null };
    partition.sorted ??= [...partition.items.keys()].sort();
    const [begin, end] = [countKeysBefore(partition.sorted, from), countKeysBefore(partition.sorted, `${to}\0`)];
    const keys = reverse
      ? partition.sorted.slice(Math.max(begin, end - limit - 1), end).reverse()
      : partition.sorted.slice(begin, Math.min(end, begin + limit + 1));
    this.readItems += Math.min(limit, keys.length);
    const items = keys.slice(0, limit).map((sk) => partition.items.get(sk) as Item);
    return { items, next: keys[limit] ?? null };
  }

  async put(item: Omit<Item, 'version'>, condition: WriteCondition): Promise<boolean> {
    this.writes++;
    this.writtenItems++;
    const { pk, sk } = item as Item;
    const partition = this.#partitions.get(pk) ?? { items: new Map(), sorted: null };
    this.#partitions.set(pk, partition);
    const version = partition.items.get(sk)?.version ?? 0;
    if (!mayWrite(condition, version)) return false;
    if (version === 0) partition.sorted = null;
    partition.items.set(sk, { ...item, version: version + 1 } as Item);
    return true;
  }

  async delete(pk: string, sk: string, condition: WriteCondition): Promise<boolean> {
    this.writes++;
    this.writtenItems++;
    const partition = this.#partitions.get(pk);
    const version = partition?.items.get(sk)?.version ?? 0;
    if (condition !== 'any' && !mayWrite(condition, version)) return false;
    if (partition?.items.delete(sk) === true) partition.sorted = null;
    return true;
  }

  async getMany(keys: readonly ItemKey[]): Promise<(Item | null)[]> {
    this.reads += Math.ceil(keys.length / MOST_READ);
    const found = keys.map(({ pk, sk }) => this.#partitions.get(pk)?.items.get(sk) ?? null);
    this.readItems += found.filter((item) => item !== null).length;
    return found;
  }

  async putMany(items: readonly (ItemKey & { readonly [attribute: string]: ItemValue | undefined })[]): Promise<void> {
    this.writes += Math.ceil(items.length / MOST_WRITTEN);
    this.writtenItems += items.length;
    for (const item of items) {
      const partition = this.#partitions.get(item.pk) ?? { items: new Map(), sorted: null };
      this.#partitions.set(item.pk, partition);
      if (!partition.items.has(item.sk)) partition.sorted = null;
      partition.items.set(item.sk, { ...item, version: 1 } as Item);
    }
  }

  async deleteMany(keys: readonly ItemKey[]): Promise<void> {
    this.writes += Math.ceil(keys.length / MOST_WRITTEN);
    this.writtenItems += keys.length;
    for (const { pk, sk } of keys) {
      const partition = this.#partitions.get(pk);
      if (partition?.items.delete(sk) === true) partition.sorted = null;
    }
  }
}
