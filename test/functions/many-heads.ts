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
import { mapBounded } from '../../functions/state/map-bounded.ts';
import { openTestDataset, seal, type TestAccount, type TestDataset } from './log-fixture.ts';

/** A dataset of many, with the end of its log as the service keeps it. */
export interface OneOfMany {
  readonly dataset: TestDataset;
  end: LogEntry | null;
}

const PARALLEL = 64;

/** Many datasets that stand in one account's rounds, by their charters alone. */
export async function openMany(
  table: Table,
  count: number,
  { domain, owner, anchorer }: { domain: DisscDomain; owner: TestAccount; anchorer: Address },
): Promise<OneOfMany[]> {
  return mapBounded(Array.from({ length: count }), PARALLEL, async () => {
    const dataset = openTestDataset(domain, owner, anchorer);
    await keepCharter(table, dataset.id, { charter: dataset.first, onChain: false });
    return { dataset, end: null };
  });
}

/**
 * A batch more of each, as checking it in leaves it: the entry of the log, and the mark. Their segments are not stored, as the
 * anchor does not look at them.
 */
export async function moveMany(table: Table, many: readonly OneOfMany[], blocks = 1): Promise<void> {
  await mapBounded(many, PARALLEL, async (one) => {
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
  });
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
