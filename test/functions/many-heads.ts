import { nodePrimitives } from '../../adapters/crypto/node-primitives.ts';
import type { DisscDomain } from '../../core/dissc-domain.ts';
import type { Address } from '../../core/ids.ts';
import type { Table } from '../../core/ports/table.ts';
import { appendSegment } from '../../functions/log/append-segment.ts';
import { headOf } from '../../functions/log/open-log.ts';
import { keepCharter } from '../../functions/state/dataset-entry.ts';
import type { LogEntry } from '../../functions/state/entries.ts';
import { markHead } from '../../functions/state/head-mark.ts';
import { appendLogEntry, peaksAfter } from '../../functions/state/log-entry.ts';
import { openTestDataset, seal, type TestAccount, type TestDataset } from './log-fixture.ts';

/** A dataset of many, with the end of its log as the service keeps it. */
export interface OneOfMany {
  readonly dataset: TestDataset;
  end: LogEntry | null;
}

/** Many datasets that stand in one account's rounds, by their charters alone. */
export async function openMany(
  table: Table,
  count: number,
  { domain, owner, anchorer }: { domain: DisscDomain; owner: TestAccount; anchorer: Address },
): Promise<OneOfMany[]> {
  const many: OneOfMany[] = [];
  await writeTogether(table, async (all) => {
    while (many.length < count) {
      const dataset = openTestDataset(domain, owner, anchorer);
      await keepCharter(all, dataset.id, { charter: dataset.first, onChain: false });
      many.push({ dataset, end: null });
    }
  });
  return many;
}

/** Whatever is put is new: all of it in as few requests as it takes. */
async function writeTogether(table: Table, write: (all: Table) => Promise<void>): Promise<void> {
  const items: Parameters<Table['putMany']>[0][number][] = [];
  const put: Table['put'] = async (item) => {
    items.push(item as (typeof items)[number]);
    return true;
  };
  await write({ ...table, put });
  await table.putMany(items);
}

/**
 * A batch more of each, as checking it in leaves it: the entry of the log, and the mark. Their segments are not stored, as the
 * anchor does not look at them.
 */
export async function moveMany(table: Table, many: readonly OneOfMany[], blocks = 1): Promise<void> {
  await writeTogether(table, async (all) => {
    for (const one of many) await moveOne(all, one, blocks);
  });
}

async function moveOne(table: Table, one: OneOfMany, blocks: number): Promise<void> {
  const { dataset } = one;
  const { manifest } = seal(dataset, blocks);
  const signer = dataset.charter.device;
  const before = one.end;
  const entry = appendSegment(nodePrimitives, before, { sha256Hex: '00'.repeat(32), signer }, manifest);
  const head = headOf(dataset.id, entry);
  if (entry === null || head === null) throw new Error('The batch does not follow on the log.');
  await appendLogEntry(table, dataset.id, entry);
  const from = { size: peaksAfter(before).size, root: (before?.root ?? new Uint8Array(32)) as typeof head.root };
  const charter = { ...dataset.first, onChain: false };
  await markHead(table, nodePrimitives, { head, signer, before: from, charter });
  one.end = entry;
}

/** Requests as DynamoDB counts them, and items in them. */
export interface TableCounts {
  reads: number;
  writes: number;
  readItems: number;
  writtenItems: number;
}

/** The same table; what is asked of it is counted. */
export function countTable(table: Table): { readonly table: Table; readonly counts: TableCounts } {
  const counts: TableCounts = { reads: 0, writes: 0, readItems: 0, writtenItems: 0 };
  const read = (requests: number, items: number): void => {
    counts.reads += requests;
    counts.readItems += items;
  };
  const written = (requests: number, items: number): void => {
    counts.writes += requests;
    counts.writtenItems += items;
  };
  const counting: Table = {
    async get(...asked) {
      read(1, 1);
      return table.get(...asked);
    },
    async query(...asked) {
      const answer = await table.query(...asked);
      read(1, answer.items.length);
      return answer;
    },
    async put(item, condition, signal) {
      // Whatever is there is read before it is replaced.
      if (condition === 'any') read(1, 1);
      written(1, 1);
      return table.put(item, condition, signal);
    },
    async delete(...asked) {
      written(1, 1);
      return table.delete(...asked);
    },
    async getMany(keys, signal) {
      read(Math.ceil(keys.length / 100), keys.length);
      return table.getMany(keys, signal);
    },
    async putMany(items, signal) {
      written(Math.ceil(items.length / 25), items.length);
      await table.putMany(items, signal);
    },
    async deleteMany(keys, signal) {
      written(Math.ceil(keys.length / 25), keys.length);
      await table.deleteMany(keys, signal);
    },
  };
  return { table: counting, counts };
}
