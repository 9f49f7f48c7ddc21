import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { nodePrimitives } from '../../adapters/crypto/node-primitives.ts';
import type { SealedBatch } from '../../core/batch/seal-batch.ts';
import { subtreesOfLeaves } from '../../core/log/subtree-source.ts';
import { appendedSubtrees } from '../../core/log/subtrees.ts';
import { requireRecords } from '../../core/log/verify-records.ts';
import { getRecords } from '../../functions/get-records.ts';
import { ingestSegment } from '../../functions/ingest/ingest-segment.ts';
import { SegmentMemory } from '../../functions/ingest/segment-memory.ts';
import { adoptChainLog } from '../../functions/log/adopt-chain-log.ts';
import { growTiles } from '../../functions/log/grow-tiles.ts';
import { reconcileSegments } from '../../functions/reconcile-segments.ts';
import { readDatasetEntry } from '../../functions/state/dataset-entry.ts';
import { FILLING_PK } from '../../functions/state/entries.ts';
import { queryLog } from '../../functions/state/log-entry.ts';
import { objectsOf } from './log-fixture.ts';
import { MemoryTable } from './memory-table.ts';
import { blocks, dump, type ProcessPorts, type Stores, startStores, TestDevice } from './start-service.ts';

const DEAD = 'the process has died';

describe('segments that take the place of the chain’s word', () => {
  let stores: Stores;
  let device: TestDevice;
  let batches: SealedBatch[];
  /** A log that goes on from the chain's word, as one batch had not come. */
  const torn = new MemoryTable();
  const stored = new Map<string, Uint8Array>();

  const portsOn = (table: MemoryTable): ProcessPorts => ({
    ...stores.ports,
    ...{ table, objects: objectsOf(stored), memory: new SegmentMemory() },
  });
  const logOf = async (table: MemoryTable) =>
    (await queryLog(table, device.dataset, { from: 0, to: 1_000, most: 100 })).map((entry) => [
      ...[entry.first, entry.size, entry.sha256Hex !== null, entry.signature !== null],
    ]);
  const late = () => (batches[1] as SealedBatch).segment.key;

  before(async () => {
    stores = await startStores();
    device = await TestDevice.open({ table: torn, owners: stores.owners });
    batches = [3, 2, 2, 256, 2, 4, 1, 2].map((count) => device.seal(blocks(Array(count).fill(1))));
    for (const { segment } of batches) if (segment.key !== late()) stored.set(segment.key, segment.car);
    const ports = portsOn(torn);
    for (const i of [0, 3, 4, 5, 6]) await ingestSegment(ports, (batches[i] as SealedBatch).segment.key);
    const { head } = (batches[6] as SealedBatch).manifest;
    const leaves = batches.flatMap(({ leafHashes }) => leafHashes);
    const growth = async (from: number, { size, root }: typeof head) => ({
      ...{ size, root, signer: device.owner, final: true },
      appended: await subtreesOfLeaves(nodePrimitives, leaves)(appendedSubtrees(from, size)),
    });
    const events = [await growth(0, (batches[0] as SealedBatch).manifest.head), await growth(3, head)];
    assert.equal(await adoptChainLog(ports, device.dataset, head, async () => events), 'adopted');
    assert.equal(await ingestSegment(ports, (batches[7] as SealedBatch).segment.key), 'placed');
    assert.equal(await ingestSegment(ports, (batches[2] as SealedBatch).segment.key), 'superseded');
    await growTiles(ports, device.dataset, head.size);
    assert.equal((await readDatasetEntry(torn, device.dataset)).tiledTo, 256);
    assert.deepEqual((await logOf(torn)).slice(0, 3), [
      [0, 3, true, true],
      [3, 8, false, false],
      [8, 263, true, false],
    ]);
    stored.set(late(), (batches[1] as SealedBatch).segment.car);
  });
  after(() => stores.close());

  async function copyOf(table: MemoryTable): Promise<MemoryTable> {
    const copy = new MemoryTable();
    for (const { version: _, ...item } of table.items()) await copy.put(item, 'any');
    return copy;
  }

  async function assertWhole(table: MemoryTable, when: string): Promise<void> {
    const entries = batches.map(({ manifest: { first, head } }) => [first, head.size, true, true]);
    assert.deepEqual(await logOf(table), entries, when);
    assert.deepEqual(await dump(table, FILLING_PK), [], when);
    assert.equal((await readDatasetEntry(table, device.dataset)).tiledTo, 0, when);
    const { head } = (batches[7] as SealedBatch).manifest;
    const wanted = [0, 3, 4, 5, 6, 7, 8, 262, 263, 271];
    const answer = await getRecords(portsOn(table), { dataset: device.dataset, blocks: wanted, size: head.size });
    assert.deepEqual(answer.faults, [], when);
    const shown = answer.batches.flatMap(({ records }) => records);
    requireRecords(nodePrimitives, head, shown, answer.proof);
    assert.equal(shown.length, wanted.length, when);
  }

  for (const moment of ['before', 'after'] as const) {
    it(`is done by the reconciliation, whichever call the filling process dies ${moment}`, async () => {
      let half = 0;
      for (let at = 0, died = true; died; at++) {
        const table = await copyOf(torn);
        const crash = { left: at, moment, happened: false };
        const ports = portsOn(table);
        const mortal = { ...ports, table: dying(table, crash), objects: dying(ports.objects, crash) };
        await ingestSegment(mortal, late()).catch((error) => assert.equal(error.message, DEAD));
        died = crash.happened;
        if ((await dump(table, FILLING_PK)).length > 0) half++;
        const reconciled = await reconcileSegments(portsOn(table));
        assert.equal(reconciled.failed, 0);
        await assertWhole(table, `killed at call ${at}`);
        assert.equal((await reconcileSegments(portsOn(table))).filled, 0);
      }
      assert.ok(half >= 6, `killed ${half} times within the filling`);
    });
  }

  it('goes on when a segment that was lost meanwhile is back, and says so until then', async () => {
    const table = await copyOf(torn);
    const ports = portsOn(table);
    const crash = { left: 0, moment: 'before' as const, happened: false };
    const put: MemoryTable['put'] = (item, condition) => {
      // The second entry that is written: the gap's own place comes last.
      if (String(item.sk).startsWith('L#') && ++crash.left === 2) throw new Error(DEAD);
      return table.put(item, condition);
    };
    const dies = new Proxy(table, { get: (target, name) => (name === 'put' ? put : bound(target, name)) });
    await assert.rejects(ingestSegment({ ...ports, table: dies }, late()), { message: DEAD });
    const { segment } = batches[2] as SealedBatch;
    stored.delete(segment.key);
    stores.lines.length = 0;
    const reconciled = await reconcileSegments(portsOn(table));
    assert.equal(reconciled.failed, 1);
    assert.ok(stores.lines.some(({ message }) => /half filled/.test(String(message))));
    stored.set(segment.key, segment.car);
    assert.equal((await reconcileSegments(portsOn(table))).filled, 1);
    await assertWhole(table, 'once it is back');
  });
});

interface Crash {
  left: number;
  readonly moment: 'before' | 'after';
  happened: boolean;
}

/** A port of a process that dies at one call, and does nothing from then on. */
function dying<T extends object>(port: T, crash: Crash): T {
  return new Proxy(port, {
    get: (target, name) => {
      const method = bound(target, name);
      if (typeof method !== 'function') return method;
      return async (...parameters: unknown[]) => {
        if (crash.happened) throw new Error(DEAD);
        const here = crash.left-- === 0;
        if (here) crash.happened = true;
        if (here && crash.moment === 'before') throw new Error(DEAD);
        const result = await method(...parameters);
        if (here) throw new Error(DEAD);
        return result;
      };
    },
  });
}

function bound(target: object, name: string | symbol): unknown {
  const value = Reflect.get(target, name);
  return typeof value === 'function' ? value.bind(target) : value;
}
