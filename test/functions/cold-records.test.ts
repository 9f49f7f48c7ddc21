import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { nodePrimitives } from '../../adapters/crypto/node-primitives.ts';
import type { DatasetId } from '../../core/ids.ts';
import { requireRecords } from '../../core/log/verify-records.ts';
import { getRecords } from '../../functions/get-records.ts';
import { growTiles } from '../../functions/log/grow-tiles.ts';
import { readDatasetEntry } from '../../functions/state/dataset-entry.ts';
import { objectsOf } from './log-fixture.ts';
import { growLongLog } from './long-log.ts';
import { MemoryTable } from './memory-table.ts';

const BATCHES = 65_536;
const BLOCKS_PER_BATCH = 1;
/** Of specification#figures, for 460 blocks. */
const MOST_READS = 600;
const dataset = `0x${'ab'.repeat(32)}` as DatasetId;

describe('get-records on a log of 65,536 batches, asked of a process that knows nothing', async () => {
  const table = new MemoryTable();
  const stored = objectsOf(new Map());
  let objectReads = 0;
  const read: typeof stored.read = (...args) => {
    objectReads++;
    return stored.read(...args);
  };
  const ports = { primitives: nodePrimitives, table, objects: { ...stored, read } };
  const head = await growLongLog(table, dataset, { batches: BATCHES, blocksPerBatch: BLOCKS_PER_BATCH });
  const spread = (count: number) =>
    Array.from({ length: count }, (_, i) => Math.floor((head.size / count) * (i + 0.5)));

  /** Reads of table and bucket that the answer took; it proves all that was asked for. */
  async function ask(blocks: readonly number[], size = head.size): Promise<number> {
    [table.reads, objectReads] = [0, 0];
    const { batches, proof, faults } = await getRecords(ports, { dataset, blocks, size });
    const reads = table.reads + objectReads;
    assert.deepEqual(faults, []);
    const shown = batches.flatMap(({ records }) => records);
    assert.equal(shown.length, blocks.length);
    if (size === head.size) requireRecords(nodePrimitives, head, shown, proof);
    return reads;
  }

  /** The same question takes as many reads the second time: nothing is kept warm for whoever asks often. */
  async function check(blocks: readonly number[], most: number): Promise<void> {
    const cold = await ask(blocks);
    assert.ok(cold <= most, `${cold} reads for ${blocks.length} blocks, the first ${blocks[0]}`);
    assert.equal(await ask(blocks), cold);
  }

  const single = [0, 511, 512, 33_001, head.size - 513, head.size - 1];

  test('which has no tiles yet: one block takes some reads for each level of the log, not its pages', async () => {
    for (const block of single) await check([block], 32);
    await check(spread(460), 460 * 6);
  });

  test('which has its tiles: a block far back costs what the newest does, and 460 of them keep to their bound', async () => {
    for (let more = true; more; ) {
      const { tiledTo = 0 } = await readDatasetEntry(table, dataset);
      [table.reads, objectReads] = [0, 0];
      more = await growTiles(ports, dataset, head.size, tiledTo);
      // 64 tiles of the lowest level: the pages of their records, and a tile for each subtree of a tile above them.
      assert.ok(table.reads <= 40 && objectReads <= 256, `${table.reads} + ${objectReads} reads for 64 tiles`);
    }
    for (const block of single) await check([block], 12);
    await check(spread(460), MOST_READS);
    await check(spread(512), MOST_READS);
  });
});
