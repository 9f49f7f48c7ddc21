import type { Item, Table, WriteCondition } from '../../../core/ports/table.ts';
import { countKeysBefore, mayWrite } from '../service/write-condition.ts';

interface Partition {
  readonly items: Map<string, Item>;
  /** All keys in order. */
  readonly keys: string[];
}

interface Expiring {
  readonly pk: string;
  readonly sk: string;
  readonly expiresAtS: number;
}

/** Items in memory, each query in proportion to what it answers. Nobody changes an item that was given to him, so none is copied. */
export class FleetItems {
  readonly #partitions = new Map<string, Partition>();
  /** Those that the table may forget, in the order in which they came: none lives longer than one that came later by much. */
  readonly #expiring: Expiring[] = [];
  #forgotten = 0;

  get(pk: string, sk: string): Item | null {
    return this.#partitions.get(pk)?.items.get(sk) ?? null;
  }

  query(pk: string, { from, to, limit, reverse = false }: Parameters<Table['query']>[1]) {
    const partition = this.#partitions.get(pk);
    if (partition === undefined || from > to) return { items: [], next: null };
    const { items, keys } = partition;
    const [begin, end] = [countKeysBefore(keys, from), countKeysBefore(keys, `${to}\0`)];
    const found = reverse
      ? keys.slice(Math.max(begin, end - limit - 1), end).reverse()
      : keys.slice(begin, Math.min(end, begin + limit + 1));
    return { items: found.slice(0, limit).map((sk) => items.get(sk) as Item), next: found[limit] ?? null };
  }

  put(item: Omit<Item, 'version'>, condition: WriteCondition): boolean {
    const { pk, sk } = item as Item;
    const version = this.get(pk, sk)?.version ?? 0;
    if (!mayWrite(condition, version)) return false;
    this.#write({ ...item, version: version + 1 } as Item);
    return true;
  }

  /** Writes it in version 1, whatever is there. */
  replace(item: Omit<Item, 'version'>): void {
    this.#write({ ...item, version: 1 } as Item);
  }

  #write(item: Item): void {
    const { pk, sk, expiresAtS } = item;
    const partition = this.#partitions.get(pk) ?? { items: new Map<string, Item>(), keys: [] };
    this.#partitions.set(pk, partition);
    if (!partition.items.has(sk)) partition.keys.splice(countKeysBefore(partition.keys, sk), 0, sk);
    partition.items.set(sk, item);
    if (expiresAtS !== undefined) this.#expiring.push({ pk, sk, expiresAtS });
  }

  delete(pk: string, sk: string, condition: WriteCondition): boolean {
    const partition = this.#partitions.get(pk);
    const version = partition?.items.get(sk)?.version ?? 0;
    if (condition !== 'any' && !mayWrite(condition, version)) return false;
    if (partition === undefined || version === 0) return true;
    partition.items.delete(sk);
    partition.keys.splice(countKeysBefore(partition.keys, sk), 1);
    if (partition.keys.length === 0) this.#partitions.delete(pk);
    return true;
  }

  /** Forgets what has expired, as DynamoDB does some time later. */
  forgetExpired(nowS: number): void {
    for (; this.#forgotten < this.#expiring.length; this.#forgotten++) {
      const { pk, sk, expiresAtS } = this.#expiring[this.#forgotten] as Expiring;
      if (expiresAtS > nowS) break;
      const item = this.get(pk, sk);
      if (item?.expiresAtS === expiresAtS) this.delete(pk, sk, 'any');
    }
    if (this.#forgotten < 10_000) return;
    this.#expiring.splice(0, this.#forgotten);
    this.#forgotten = 0;
  }
}
