import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { nodePrimitives } from '../../adapters/crypto/node-primitives.ts';
import type { SealedBatch } from '../../core/batch/seal-batch.ts';
import { segmentKey } from '../../core/batch/segment-key.ts';
import { chunkRootFromProof } from '../../core/block/chunk-tree.ts';
import { equalBytes } from '../../core/bytes.ts';
import type { Address } from '../../core/ids.ts';
import type { Table } from '../../core/ports/table.ts';
import { accountOfKey } from '../../core/typed-data.ts';
import { getBlock } from '../../functions/get-block.ts';
import { getRecords } from '../../functions/get-records.ts';
import { hashBlocks } from '../../functions/hash-blocks.ts';
import { ingestSegment } from '../../functions/ingest/ingest-segment.ts';
import { SegmentMemory } from '../../functions/ingest/segment-memory.ts';
import { listBatches } from '../../functions/list-batches.ts';
import { proveChunks } from '../../functions/prove-chunks.ts';
import { reconcileSegments } from '../../functions/reconcile-segments.ts';
import { changeDatasetEntry, readDatasetEntry } from '../../functions/state/dataset-entry.ts';
import { datasetPk, ownerPk, usageSk } from '../../functions/state/entries.ts';
import { mapBounded } from '../../functions/state/map-bounded.ts';
import { uploadSegment } from '../../functions/upload-segment.ts';
import { objectsOf } from './log-fixture.ts';
import { MemoryTable } from './memory-table.ts';
import { blocks, dump, putObject, type Stores, startStores, TestDevice } from './start-service.ts';

/** A stolen device uploads what it likes under a number that blocks have already, or will have. */
describe('junk that a thief stores', () => {
  const JUNK = 600;
  let stores: Stores;
  let device: TestDevice;
  const sealed: SealedBatch[] = [];
  const checkIn = async (batch: SealedBatch) => {
    await putObject(stores, batch.segment.key, batch.segment.car);
    return ingestSegment(stores.ports, batch.segment.key);
  };
  before(async () => {
    stores = await startStores();
    device = await TestDevice.open(stores);
    for (const count of [1, 150, 149]) {
      const batch = device.seal(blocks(Array(count).fill(20)));
      assert.equal(await checkIn(batch), 'placed');
      sealed.push(batch);
    }
  });
  after(() => stores.close());

  /** Reads that answering for all blocks takes, and whether every answer is right. */
  async function readAll(): Promise<number> {
    let reads = 0;
    const { table } = stores;
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
    const ports = { ...stores.ports, table: counting };
    const { dataset } = device;
    const all = Array.from({ length: 300 }, (_, i) => i);
    const hashed = await hashBlocks(ports, { dataset, blocks: all });
    assert.ok(hashed.answers.every((answer) => 'opening' in answer));
    const challenges = all.map((index) => ({ index, random: 0 }));
    const { answers } = await proveChunks(ports, { dataset, challenges });
    for (const [index, answer] of answers.entries()) {
      const { manifest } = sealed.find(({ manifest: { head } }) => index < head.size) as SealedBatch;
      const listed = manifest.blocks[index - manifest.first]!;
      assert.ok('chunk' in answer);
      assert.ok(equalBytes(chunkRootFromProof(nodePrimitives, listed.size, 0, answer), listed.chunkRoot));
    }
    assert.ok('block' in (await getBlock(ports, { dataset, index: 1 })));
    assert.equal((await getRecords(ports, { dataset, blocks: all, size: 300 })).faults.length, 0);
    return reads;
  }

  test('has no effect on blocks that the log has: they cost the reads that they cost before', async () => {
    const before = await readAll();
    const junk = Array.from({ length: JUNK }, (_, i) => ({
      first: i % 2 === 0 ? 1 : 300,
      bytes: new Uint8Array(randomBytes(4)),
    }));
    await mapBounded(junk, 8, async ({ first, bytes }) => {
      const key = segmentKey(device.dataset, first, nodePrimitives.sha256(bytes));
      await putObject(stores, key, bytes);
      assert.equal(await ingestSegment(stores.ports, key), 'rejected');
    });
    assert.equal(await readAll(), before);
    device.replace(stores);
    assert.equal(await readAll(), before, 'nor after the device was replaced');
  });

  test('stops no later segment, and each junk object has its line', async () => {
    const [next, last] = [device.seal(blocks([5, 5])), device.seal(blocks([6]))];
    assert.equal(await checkIn(last), 'waiting');
    assert.equal(await checkIn(next), 'placed');
    const { faults } = await getRecords(stores.ports, {
      dataset: device.dataset,
      blocks: [0, 299, 300, 302],
      size: 303,
    });
    assert.deepEqual(faults, []);
    let [rejected, received] = [0, 0];
    for (let cursor: string | undefined, more = true; more; ) {
      const page = await listBatches(stores.ports, { dataset: device.dataset, by: 'block', cursor, limit: 500 });
      rejected += page.batches.filter(({ state }) => state === 'rejected').length;
      received += page.batches.filter(({ state }) => state === 'received').length;
      cursor = page.next ?? undefined;
      more = page.next !== null;
    }
    assert.deepEqual([rejected, received], [JUNK, 5]);
  });

  test('2,100 objects of four bytes: named up to a bound, gone from among the segments, and felt by nobody else', async () => {
    const stored = new Map<string, Uint8Array>();
    const [table, objects] = [new MemoryTable(), objectsOf(stored)];
    const ports = { ...stores.ports, table, objects, memory: new SegmentMemory() };
    const owner = await TestDevice.open({ table, owners: stores.owners });
    const { dataset, charter } = owner;
    const store = (batch: SealedBatch) => {
      stored.set(batch.segment.key, batch.segment.car);
      return ingestSegment(ports, batch.segment.key);
    };
    assert.equal(await store(owner.seal(blocks([5, 5, 5]))), 'placed');
    const usage = (await table.get(ownerPk(owner.owner), usageSk(dataset)))?.storedBytes;
    for (let i = 0; i < 2_100; i++) {
      const bytes = new Uint8Array(randomBytes(4));
      const key = segmentKey(dataset, 1, nodePrimitives.sha256(bytes));
      stored.set(key, bytes);
      assert.equal(await ingestSegment(ports, key), 'rejected');
    }
    table.reads = 0;
    const { faults } = await getRecords(ports, { dataset, blocks: [0, 1, 2], size: 3 });
    assert.deepEqual([faults, table.reads], [[], 2]);
    assert.equal((await table.get(ownerPk(owner.owner), usageSk(dataset)))?.storedBytes, usage);
    assert.equal((await dump(table, datasetPk(dataset))).filter(({ state }) => state === 'rejected').length, 1_000);

    const input = { dataset, owner: owner.owner, device: charter.device, first: 3, sha256: new Uint8Array(32) };
    const next = { ...input, sizeBytes: 500, record: 'relayed' as const, look: false };
    const presignPut = stores.ports.objects.presignPut;
    await assert.rejects(uploadSegment({ ...ports, objects: { ...objects, presignPut } }, next), {
      type: '/problems/quota',
      message: /2100 objects \(8400 bytes\)/,
    });
    let aside = 0;
    for (let runs = 0; aside < 2_100; runs++) {
      assert.ok(runs < 20, `${aside} were set aside`);
      const reconciled = await reconcileSegments(ports);
      aside += reconciled.aside;
      assert.deepEqual([reconciled.lost, reconciled.failed], [0, 0]);
    }
    const keys = [...stored.keys()];
    assert.equal(keys.filter((key) => key.startsWith(`${dataset.slice(2)}/`)).length, 1, 'the one segment');
    assert.equal(keys.filter((key) => key.startsWith('rejected/')).length, 100);
    assert.equal(await store(owner.seal(blocks([5]))), 'placed');
  });

  test('is on nobody’s account, and has a bound of its own for each device', async () => {
    const usage = (await stores.table.get(ownerPk(device.owner), usageSk(device.dataset)))?.storedBytes;
    const lines = await dump(stores.table, datasetPk(device.dataset));
    const sound = lines.filter(({ state }) => state === 'received').map(({ sizeBytes }) => Number(sizeBytes));
    assert.equal(
      usage,
      sound.reduce((sum, bytes) => sum + bytes, 0),
    );
    assert.equal((await readDatasetEntry(stores.table, device.dataset)).junkBytes, 4 * JUNK);

    const { owner, dataset } = device;
    const input = {
      dataset,
      owner,
      first: 303,
      sha256: new Uint8Array(32),
      sizeBytes: 500,
      ...{ record: 'relayed' as const, look: false },
    };
    const ask = (writer: Address) =>
      uploadSegment({ ...stores.ports, memory: new SegmentMemory() }, { ...input, device: writer });
    const thief = device.charter.device;
    assert.notEqual((await ask(thief)).put, null);
    await changeDatasetEntry(stores.table, dataset, (entry) => ({ ...entry, junkBytes: 2 ** 28 + 1 }));
    await assert.rejects(ask(thief), { type: '/problems/quota' });
    assert.notEqual((await ask(accountOfKey(device.deviceKey))).put, null, 'the one that replaced it begins anew');
  });
});
