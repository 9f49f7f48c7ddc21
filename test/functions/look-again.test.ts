import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, test } from 'node:test';
import type { SealedBatch } from '../../core/batch/seal-batch.ts';
import { SegmentMemory } from '../../functions/ingest/segment-memory.ts';
import { listBatches } from '../../functions/list-batches.ts';
import { uploadSegment } from '../../functions/upload-segment.ts';
import { blocks, key, putObject, type Stores, startStores, TestDevice } from './start-service.ts';

/** No event of the bucket arrives here: what is checked in, a device has asked for. */
describe('a device that asks for a segment which it has put', () => {
  let stores: Stores;
  let device: TestDevice;
  before(async () => {
    stores = await startStores();
  });
  beforeEach(async () => {
    device = await TestDevice.open(stores);
  });
  after(() => stores.close());

  /** By a process that remembers nothing. */
  const ask = ({ segment, manifest: { first } }: SealedBatch, look = true, objects = stores.ports.objects) => {
    const { sha256, car } = segment;
    const { dataset, owner, charter } = device;
    const input = { dataset, owner, device: charter.device, first, sha256, sizeBytes: car.length, look };
    const ports = { ...stores.ports, objects, memory: new SegmentMemory() };
    return uploadSegment(ports, { ...input, record: 'relayed' });
  };
  const put = ({ segment }: SealedBatch) => putObject(stores, segment.key, segment.car);
  const states = async () => {
    const { batches } = await listBatches(stores.ports, { dataset: device.dataset, by: 'block' });
    return batches.map(({ first, state }) => `${first} ${state}`);
  };

  test('finds it checked in though its event was lost, whichever process is asked', async () => {
    const batch = device.seal(blocks([10]));
    await put(batch);
    assert.notEqual((await ask(batch, false)).put, null, 'nobody has said that it was put');
    const { put: again, state, waitsFor } = await ask(batch);
    assert.deepEqual([again, state, waitsFor], [null, 'checked-in', null]);
    assert.deepEqual(await states(), ['0 received']);
    assert.equal((await ask(batch)).state, 'checked-in');
    assert.equal((await ask(batch, false)).state, 'checked-in');
  });

  test('is told to put it again when the store has nothing, as often as that happens', async () => {
    const batch = device.seal(blocks([10]));
    for (let time = 0; time < 2; time++) {
      const { put, state } = await ask(batch);
      assert.equal(state, 'absent');
      assert.ok(put?.url.includes(batch.segment.key));
    }
    await put(batch);
    assert.equal((await ask(batch)).state, 'checked-in');
  });

  test('is told to put it again when the store has lost it since', async () => {
    const batch = device.seal(blocks([10]));
    await put(batch);
    assert.equal((await ask(batch)).state, 'checked-in');
    const lost = { ...stores.ports.objects, size: async () => null };
    const { put: again, state } = await ask(batch, true, lost);
    assert.equal(state, 'absent');
    assert.ok(again?.url.includes(batch.segment.key));
  });

  test('learns which batch is missing before it, and that it waits no more', async () => {
    const [first, second, third] = [blocks([10]), blocks([20, 20]), blocks([30])].map((some) => device.seal(some)) as [
      SealedBatch,
      SealedBatch,
      SealedBatch,
    ];
    await put(third);
    assert.deepEqual(pick(await ask(third)), ['waiting', 0]);
    await put(first);
    assert.deepEqual(pick(await ask(first)), ['checked-in', null]);
    assert.deepEqual(pick(await ask(third)), ['waiting', 1]);
    await put(second);
    assert.deepEqual(pick(await ask(second)), ['checked-in', null]);
    assert.deepEqual(pick(await ask(third)), ['checked-in', null]);
    assert.deepEqual(await states(), ['0 received', '1 received', '3 received']);
  });

  test('learns that another batch took its place', async () => {
    const [one, other] = [device.seal(blocks([10]), { stay: true }), device.seal(blocks([20]))];
    for (const batch of [one, other]) await put(batch);
    assert.equal((await ask(other)).state, 'checked-in');
    assert.deepEqual(pick(await ask(one)), ['superseded', null]);
  });

  test('makes the service read what it turned away once a minute at most', async () => {
    const batch = device.seal(blocks([10]), { deviceKey: key() });
    await put(batch);
    let reads = 0;
    const { objects } = stores.ports;
    const read: typeof objects.read = (...args) => {
      reads++;
      return objects.read(...args);
    };
    const asked = async () => {
      const refusal = { type: '/problems/rejected', message: / signed the head/ };
      await assert.rejects(ask(batch, true, { ...objects, read }), refusal);
      return reads;
    };
    assert.equal(await asked(), 1);
    for (let time = 0; time < 5; time++) assert.equal(await asked(), 1);
    stores.clock.offsetMs += 60_000;
    assert.equal(await asked(), 2);
    assert.equal(await asked(), 2);
  });
});

function pick({ state, waitsFor }: Awaited<ReturnType<typeof uploadSegment>>) {
  return [state, waitsFor];
}
