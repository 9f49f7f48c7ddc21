import assert from 'node:assert/strict';
import { randomBytes, randomInt } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { nodePrimitives } from '../../adapters/crypto/node-primitives.ts';
import { batchLeafHash } from '../../core/batch/record.ts';
import type { SealedBatch } from '../../core/batch/seal-batch.ts';
import type { DatasetId } from '../../core/ids.ts';
import { appendLeaf, EMPTY_FRONTIER, frontierRoot } from '../../core/log/frontier.ts';
import { rootFromMultiproof } from '../../core/log/multiproof.ts';
import type { Table } from '../../core/ports/table.ts';
import { proveRecords } from '../../core/protocols/prove-records.ts';
import { getRecords } from '../../functions/get-records.ts';
import { ingestSegment } from '../../functions/ingest/ingest-segment.ts';
import { TileMemory } from '../../functions/read/log-hashes.ts';
import { proveBatches } from '../../functions/read/prove-batches.ts';
import { datasetPk, type LogEntry, tileSk } from '../../functions/state/entries.ts';
import { appendLogEntry, leafOf } from '../../functions/state/log-entry.ts';
import { mapBounded } from '../../functions/state/map-bounded.ts';
import { blocks, putObject, type Stores, startStores, TestDevice } from './start-service.ts';

describe('get-records', () => {
  let stores: Stores;
  before(async () => {
    stores = await startStores();
  });
  after(() => stores.close());

  const sourceOf = () => ({
    getRecords: (dataset: DatasetId, wanted: readonly number[], batches: number) =>
      getRecords(stores.ports, { dataset, blocks: wanted, batches }, new TileMemory()),
  });

  test('proves records wherever they are against every head of the log', async () => {
    const device = await TestDevice.open(stores);
    const sealed: SealedBatch[] = [];
    for (const sizes of [[5], [6, 7, 8], [9], [1, 2, 3, 4, 5, 6, 7], [8, 8]]) {
      const batch = device.seal(blocks(sizes));
      await putObject(stores, batch.segment.key, batch.segment.car);
      await ingestSegment(stores.ports, batch.segment.key);
      sealed.push(batch);
    }
    for (const { manifest } of sealed) {
      const head = { dataset: device.dataset, ...manifest.head };
      for (let run = 0; run < 4; run++) {
        const wanted = [...new Set(Array.from({ length: 1 + run * 2 }, () => randomInt(manifest.head.size)))];
        const found = await proveRecords({ hasher: nodePrimitives, records: sourceOf() }, head, wanted);
        assert.deepEqual(found.broken, []);
        assert.deepEqual(found.faults, []);
        assert.deepEqual(found.proven.map(({ index }) => index).sort(), [...wanted].sort());
      }
    }
    const beyond = await sourceOf().getRecords(device.dataset, [0, 13], 1);
    assert.deepEqual(
      beyond.faults.map(({ index, kind }) => [index, kind]),
      [[13, 'unrecorded']],
    );
    const ahead = await sourceOf().getRecords(device.dataset, [0], 9);
    assert.deepEqual(
      ahead.faults.map(({ kind }) => kind),
      ['unavailable'],
    );
  });

  describe('in a long log', () => {
    const LENGTH = 1_300;
    const dataset = `0x${'ab'.repeat(32)}` as DatasetId;
    const entries: LogEntry[] = [];
    before(async () => {
      let frontier = EMPTY_FRONTIER;
      for (let batches = 1; batches <= LENGTH; batches++) {
        const own = {
          first: 3 * (batches - 1),
          count: 3,
          salt: rand(),
          batchRoot: rand(),
          sealedHash: new Uint8Array(32),
        };
        frontier = appendLeaf(nodePrimitives, frontier, batchLeafHash(nodePrimitives, leafOf(dataset, own)));
        const peaks = new Uint8Array(Buffer.concat(frontier.peaks));
        const root = frontierRoot(nodePrimitives, frontier);
        const rest = { sha256Hex: 'x', published: false, signature: rand(), signer: '0x', peaks, root };
        entries.push({ batches, ...own, ...rest });
      }
      await mapBounded(entries, 16, (entry) => appendLogEntry(stores.table, dataset, entry));
    });

    const check = async (table: Table, positions: number[], batches: number, memory: TileMemory) => {
      const proven = positions.map((position) => entries[position] as LogEntry);
      const proof = await proveBatches({ primitives: nodePrimitives, table }, dataset, proven, batches, memory);
      assert.ok(proof !== null);
      const leaves = new Map(
        proven.map((entry) => [entry.batches - 1, batchLeafHash(nodePrimitives, leafOf(dataset, entry))]),
      );
      const root = rootFromMultiproof(nodePrimitives, leaves, batches, proof);
      assert.deepEqual(root, entries[batches - 1]!.root);
    };

    test('proofs lead to the root at any length', async () => {
      const memory = new TileMemory();
      for (const batches of [1, 2, 255, 256, 257, 511, 512, 513, 768, 1000, 1024, 1025, 1280, 1299, 1300]) {
        for (const count of [1, 3, 40]) {
          const positions = [...new Set(Array.from({ length: count }, () => randomInt(batches)))];
          await check(stores.table, positions, batches, memory);
        }
        await check(stores.table, [0], batches, memory);
        await check(stores.table, [batches - 1], batches, memory);
      }
    });

    test('one batch costs few reads, and fewer when its neighbours are known', async () => {
      const counted = countReads(stores.table);
      const memory = new TileMemory();
      await check(counted.table, [700], LENGTH, memory);
      assert.ok(counted.reads() <= 16, `${counted.reads()} reads`);
      const before = counted.reads();
      await check(counted.table, [701], LENGTH, memory);
      assert.ok(counted.reads() - before <= 14, `${counted.reads() - before} reads`);
    });

    test('stale tiles, in memory or in the table, cost time and spoil nothing', async () => {
      const memory = new TileMemory();
      const stale = Array.from({ length: 256 }, rand);
      memory.set(dataset, 1, new Uint8Array(Buffer.concat(stale)));
      await check(stores.table, [300], LENGTH, memory);
      await stores.table.put(
        { pk: datasetPk(dataset), sk: tileSk(0, 2), hashes: new Uint8Array(Buffer.concat(stale)) },
        'any',
      );
      await check(stores.table, [600], LENGTH, new TileMemory());
      const mended = countReads(stores.table);
      await check(mended.table, [600], LENGTH, new TileMemory());
      assert.ok(mended.reads() <= 16, 'the stored tile was mended');
    });

    test('a log with a hole is no 5xx but an honest answer', async () => {
      const gap = { ...stores.table, get: stores.table.get };
      const holed: Table = {
        ...gap,
        put: stores.table.put,
        delete: stores.table.delete,
        get: async (pk, sk, signal) => (sk === 'L#0000001300' ? null : stores.table.get(pk, sk, signal)),
        query: stores.table.query,
      };
      const ports = { primitives: nodePrimitives, table: holed };
      assert.equal(await proveBatches(ports, dataset, [entries[5] as LogEntry], LENGTH, new TileMemory()), null);
    });
  });
});

function rand(): Uint8Array {
  return new Uint8Array(randomBytes(32));
}

function countReads(table: Table) {
  let reads = 0;
  const counting: Table = {
    ...table,
    get: (...args) => {
      reads++;
      return table.get(...args);
    },
    query: (...args) => {
      reads++;
      return table.query(...args);
    },
  };
  return { table: counting, reads: () => reads };
}
