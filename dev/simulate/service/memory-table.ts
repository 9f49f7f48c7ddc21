import { StoreUnavailableError } from '../../../core/errors.ts';
import type { Item, Table } from '../../../core/ports/table.ts';
import type { FaultWatch } from '../faults/fault-watch.ts';
import type { SeededRandom } from '../time/seeded-random.ts';
import type { VirtualTime } from '../time/virtual-time.ts';
import { copyItem } from './copy-item.ts';
import { mayWrite } from './write-condition.ts';

/** A table that can be put back to what it was, or lost. */
export interface MemoryTable extends Table {
  /** As it was so many ms ago. */
  rollBack(ms: number): void;
  lose(): void;
}

interface Change {
  readonly atMs: number;
  readonly pk: string;
  readonly sk: string;
  readonly before: Item | undefined;
}

/** The service's state in memory, behind a network that may fail before or behind a write. */
export function createMemoryTable(time: VirtualTime, faults: FaultWatch, random: SeededRandom): MemoryTable {
  const partitions = new Map<string, Map<string, Item>>();
  const changes: Change[] = [];
  const partition = (pk: string): Map<string, Item> => {
    const found = partitions.get(pk) ?? new Map<string, Item>();
    partitions.set(pk, found);
    return found;
  };
  const copyFound = (pk: string, sk: string): Item | null => {
    const found = partition(pk).get(sk);
    return found === undefined ? null : copyItem(found);
  };
  const write = (pk: string, sk: string, item: Item | undefined): void => {
    const items = partition(pk);
    changes.push({ atMs: time.nowMs(), pk, sk, before: items.get(sk) });
    if (item === undefined) items.delete(sk);
    else items.set(sk, item);
  };
  const down = (): StoreUnavailableError => new StoreUnavailableError('The table does not answer.');
  /** Runs `act` a little later; under a fault it fails, of writes at times only after it was done. */
  const reach = async <T>(act: () => T, isWrite: boolean): Promise<T> => {
    await time.sleep(random.between(1, 8));
    const fault = faults.strikes('table-down');
    if (fault === null) return act();
    if (isWrite && faults.randomOf(fault).chance(0.5)) act();
    throw down();
  };
  return {
    get: (pk, sk) => reach(() => copyFound(pk, sk), false),
    query: (pk, { from, to, limit, reverse = false }) =>
      reach(() => {
        const items = [...partition(pk).values()].filter(({ sk }) => sk >= from && sk <= to);
        items.sort((a, b) => (a.sk < b.sk ? -1 : 1));
        if (reverse) items.reverse();
        return { items: items.slice(0, limit).map(copyItem), next: items[limit]?.sk ?? null };
      }, false),
    put: (item, condition) =>
      reach(() => {
        const [pk, sk] = [item.pk as string, item.sk as string];
        const found = partition(pk).get(sk);
        if (!mayWrite(condition, found?.version ?? 0)) return false;
        write(pk, sk, copyItem({ ...item, pk, sk, version: (found?.version ?? 0) + 1 }));
        return true;
      }, true),
    delete: (pk, sk, condition) =>
      reach(() => {
        const found = partition(pk).get(sk);
        if (!mayWrite(condition, found?.version ?? 0)) return false;
        if (found !== undefined) write(pk, sk, undefined);
        return true;
      }, true),
    getMany: (keys) => reach(() => keys.map(({ pk, sk }) => copyFound(pk, sk)), false),
    async putMany(items) {
      // Of several a fault may leave some undone.
      for (const item of items) {
        await reach(() => write(item.pk, item.sk, copyItem({ ...item, version: 1 })), true);
      }
    },
    async deleteMany(keys) {
      for (const { pk, sk } of keys) {
        await reach(() => {
          if (partition(pk).has(sk)) write(pk, sk, undefined);
        }, true);
      }
    },
    rollBack(ms) {
      const untilMs = time.nowMs() - ms;
      for (let last = changes.at(-1); last !== undefined && last.atMs > untilMs; last = changes.at(-1)) {
        changes.pop();
        if (last.before === undefined) partition(last.pk).delete(last.sk);
        else partition(last.pk).set(last.sk, last.before);
      }
    },
    lose() {
      partitions.clear();
      changes.splice(0);
    },
  };
}
