import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, it } from 'node:test';
import { nodePrimitives } from '../../adapters/crypto/node-primitives.ts';
import type { SealedBatch } from '../../core/batch/seal-batch.ts';
import { toHex } from '../../core/bytes.ts';
import type { LogRoot } from '../../core/ids.ts';
import { subtreesOfLeaves } from '../../core/log/subtree-source.ts';
import { appendedSubtrees } from '../../core/log/subtrees.ts';
import { accountOfKey } from '../../core/typed-data.ts';
import { getRecords } from '../../functions/get-records.ts';
import { ingestSegment } from '../../functions/ingest/ingest-segment.ts';
import { SegmentMemory } from '../../functions/ingest/segment-memory.ts';
import { listBatches } from '../../functions/list-batches.ts';
import { adoptChainLog } from '../../functions/log/adopt-chain-log.ts';
import { growTiles } from '../../functions/log/grow-tiles.ts';
import { reconcileSegments } from '../../functions/reconcile-segments.ts';
import { changeDatasetEntry } from '../../functions/state/dataset-entry.ts';
import { datasetPk, ownerPk, usageSk } from '../../functions/state/entries.ts';
import { readSegmentEntry } from '../../functions/state/segment-entry.ts';
import { uploadSegment } from '../../functions/upload-segment.ts';
import { objectsOf } from './log-fixture.ts';
import { MemoryTable } from './memory-table.ts';
import { blocks, dump, key, type ProcessPorts, type Stores, startStores, TestDevice } from './start-service.ts';

/** Well-formed segments of the wrong account, or of a history that the log has not taken. */
describe('segments that were turned away for their signer or root', () => {
  let stores: Stores;
  let device: TestDevice;
  let table: MemoryTable;
  let stored: Map<string, Uint8Array>;
  let ports: ProcessPorts;
  before(async () => {
    stores = await startStores();
  });
  after(() => stores.close());
  beforeEach(async () => {
    [table, stored] = [new MemoryTable(), new Map()];
    ports = { ...stores.ports, table, objects: objectsOf(stored), memory: new SegmentMemory() };
    device = await TestDevice.open({ table, owners: stores.owners });
  });

  const seal = (count: number, options?: Parameters<TestDevice['seal']>[1]) =>
    device.seal(blocks(Array(count).fill(1)), options);
  const store = (batch: SealedBatch, on: ProcessPorts = ports) => {
    stored.set(batch.segment.key, batch.segment.car);
    return ingestSegment(on, batch.segment.key);
  };
  const entryOf = ({ segment, manifest: { first } }: SealedBatch) =>
    readSegmentEntry(table, device.dataset, { first, sha256Hex: toHex(segment.sha256) });
  const usage = async () => (await table.get(ownerPk(device.owner), usageSk(device.dataset)))?.storedBytes;
  const sizeOf = (batches: readonly SealedBatch[]) => batches.reduce((sum, { segment }) => sum + segment.car.length, 0);
  /** A batch that says it follows on the log, and follows on another. */
  const sealMisfit = (first: number) => {
    const { end } = device;
    device.end = { size: first, peaks: appendedSubtrees(0, first).map(() => nodePrimitives.randomBytes(32)) };
    const batch = seal(2);
    device.end = end;
    return batch;
  };
  const adoptFinal = async (batches: readonly SealedBatch[]) => {
    const { head } = batches.at(-1)!.manifest;
    const leaves = batches.flatMap(({ leafHashes }) => leafHashes);
    const appended = await subtreesOfLeaves(nodePrimitives, leaves)(appendedSubtrees(0, head.size));
    const event = { ...head, appended, signer: device.owner, final: true };
    return adoptChainLog(ports, device.dataset, head, async () => [event]);
  };
  const reconcile = async () => {
    const reconciled = await reconcileSegments(ports);
    assert.deepEqual([reconciled.failed, reconciled.lost], [0, 0]);
    return reconciled;
  };

  it('take nothing of the quota, and have it back where it was taken before their root was seen', async () => {
    const placed = seal(3);
    assert.equal(await store(placed), 'placed');
    assert.equal(await store(seal(2, { stay: true, deviceKey: key() })), 'rejected');
    assert.equal(await usage(), sizeOf([placed]));
    const misfit = sealMisfit(3);
    assert.equal(await store(misfit), 'rejected', 'the log has come to its place');
    assert.equal(await usage(), sizeOf([placed]));
    const early = sealMisfit(5);
    assert.equal(await store(early), 'waiting');
    assert.equal(await usage(), sizeOf([placed, early]));
    const next = seal(2);
    assert.equal(await store(next), 'placed');
    assert.deepEqual([(await entryOf(early))?.rejection, (await entryOf(early))?.counted], ['root', false]);
    assert.equal(await usage(), sizeOf([placed, next]));
  });

  it('give their bytes back once, whichever write it dies at', async () => {
    for (let at = 0, died = true; died; at++) {
      device = await TestDevice.open({ table, owners: stores.owners });
      const placed = seal(3);
      assert.equal(await store(placed), 'placed');
      const misfit = sealMisfit(3);
      let left = at;
      died = false;
      const mortal = new Proxy(table, {
        get: (target, name) => {
          const method = Reflect.get(target, name);
          if (name !== 'put') return typeof method === 'function' ? method.bind(target) : method;
          return async (...parameters: Parameters<MemoryTable['put']>) => {
            if (died || left-- === 0) died = true;
            if (died) throw new Error('died');
            return target.put(...parameters);
          };
        },
      });
      await store(misfit, { ...ports, table: mortal, memory: new SegmentMemory() }).catch(() => undefined);
      assert.equal(await ingestSegment(ports, misfit.segment.key), 'rejected');
      assert.equal(await usage(), sizeOf([placed]), `died at write ${at}`);
      const next = seal(1);
      assert.equal(await store(next), 'placed');
      assert.equal(await usage(), sizeOf([placed, next]), `died at write ${at}`);
    }
  });

  it('are bounded for each device: one that has too many stores nothing more, and what exceeds it is set aside', async () => {
    const placed = seal(3);
    await store(placed);
    const { dataset, charter } = device;
    await changeDatasetEntry(table, dataset, (entry) => ({
      ...entry,
      ...{ junkBy: charter.device, junkBytes: 2_000, junkObjects: 995 },
    }));
    const strays = Array.from({ length: 12 }, () => seal(1, { stay: true, deviceKey: key() }));
    const misfits = Array.from({ length: 3 }, () => sealMisfit(3));
    for (const batch of [...strays, ...misfits]) assert.equal(await store(batch), 'rejected');
    const input = { dataset, owner: device.owner, device: charter.device, first: 3, sha256: new Uint8Array(32) };
    const asked = { ...input, sizeBytes: 500, record: 'relayed' as const, look: false };
    const { presignPut } = stores.ports.objects;
    const ask = (by = charter.device) =>
      uploadSegment({ ...ports, objects: { ...ports.objects, presignPut } }, { ...asked, device: by });
    await assert.rejects(ask(), { type: '/problems/quota', message: /1010 objects/ });
    for (let runs = 0; runs < 3; runs++) await reconcile();
    const left = [...stored.keys()].filter((one) => one.startsWith(dataset.slice(2)) && one.endsWith('.car'));
    assert.equal(left.length, 1 + 5, 'five fitted in');
    assert.ok(left.includes(placed.segment.key));
    assert.equal(await usage(), sizeOf([placed]));
    const next = seal(2);
    assert.equal(await store(next), 'placed', 'what was presigned before, and is a batch, is taken');
    device.replace(stores);
    assert.notEqual((await ask(accountOfKey(device.deviceKey))).put, null, 'the one that replaced it begins anew');
  });

  it('of a device that was replaced are not its successor’s', async () => {
    await store(seal(3));
    const thief = device.deviceKey;
    device.replace(stores, { from: 3 });
    for (let i = 0; i < 4; i++) {
      assert.equal(await store(seal(1, { stay: true, deviceKey: thief })), 'rejected');
    }
    const counted = (await dump(table, datasetPk(device.dataset))).filter(({ sk }) => sk.startsWith('J#'));
    assert.deepEqual(
      counted.map(({ sk, objects }) => [sk, objects]),
      [[`J#${accountOfKey(thief)}`, 4]],
    );
    assert.equal(await store(seal(1)), 'placed');
  });

  it('are taken in, and counted, when the chain vouches for them', async () => {
    const owner = device.deviceKey;
    device.replace(stores, { from: 0 });
    const batch = seal(2, { deviceKey: owner });
    assert.equal(await store(batch), 'rejected');
    assert.equal(await usage(), undefined);
    await reconcile();
    assert.ok(stored.has(batch.segment.key), 'it may be vouched for yet');
    assert.equal(await adoptFinal([batch]), 'adopted');
    const { state, counted, rejection } = (await entryOf(batch))!;
    assert.deepEqual([state, counted, rejection], ['received', true, undefined]);
    assert.equal(await usage(), sizeOf([batch]));
    const { head } = batch.manifest;
    const { faults } = await getRecords(ports, { dataset: device.dataset, blocks: [0, 1], size: head.size });
    assert.deepEqual(faults, []);
  });

  it('are set aside when the final chain has gone another way, named for 30 days, and nothing else is touched', async () => {
    const stray = seal(2, { stay: true, deviceKey: key() });
    const placed = [seal(3), seal(300)];
    for (const batch of placed) assert.equal(await store(batch), 'placed');
    const late = seal(2, { stay: true, deviceKey: key() });
    const misfit = sealMisfit(303);
    for (const batch of [stray, late, misfit]) assert.equal(await store(batch), 'rejected');
    await reconcile();
    assert.equal([...stored.keys()].filter((one) => one.endsWith('.car')).length, 5);
    const { head } = placed[1]!.manifest;
    stores.ledger.heads.final.set(device.dataset, { dataset: device.dataset, ...head, root: head.root as LogRoot });
    await growTiles(ports, device.dataset, head.size);
    assert.equal((await reconcile()).aside, 1);
    const among = [...stored.keys()].filter((one) => one.endsWith('.car')).sort();
    assert.deepEqual(among, [...placed, late, misfit].map(({ segment }) => segment.key).sort());
    const aside = [...stored.keys()].filter((one) => one.startsWith('rejected/'));
    assert.equal(aside.length, 1);
    assert.deepEqual(stored.get(aside[0]!), stray.segment.car);
    const { batches } = await listBatches(ports, { dataset: device.dataset, by: 'block' });
    assert.equal(batches.filter(({ state }) => state === 'rejected').length, 3);
    const entry = (await entryOf(stray))!;
    assert.ok(Math.abs((entry.expiresAtS ?? 0) - Date.now() / 1_000 - 30 * 86_400) < 600);
    assert.equal((await reconcile()).aside, 0);
    // It comes again: it is set aside again, and counts for nobody.
    stored.set(stray.segment.key, stray.segment.car);
    assert.equal((await reconcile()).aside, 1);
    assert.equal(await usage(), sizeOf(placed));
  });
});
