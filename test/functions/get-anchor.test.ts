import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { nodePrimitives } from '../../adapters/crypto/node-primitives.ts';
import type { SealedBatch } from '../../core/batch/seal-batch.ts';
import { fromHex } from '../../core/bytes.ts';
import { requireCharterSignature } from '../../core/charter/charter.ts';
import { charterFromWire } from '../../core/charter/wire-charter.ts';
import type { LogRoot } from '../../core/ids.ts';
import { requireGrowth } from '../../core/log/growth.ts';
import { recoverHeadSigner } from '../../core/log/head.ts';
import { EMPTY_ROOT } from '../../core/log/peaks.ts';
import { accountOfKey } from '../../core/typed-data.ts';
import { getAnchorResponse } from '../../core/wire/requests.ts';
import { getAnchor } from '../../functions/get-anchor.ts';
import { ingestSegment } from '../../functions/ingest/ingest-segment.ts';
import { blocks, DOMAIN, putObject, type Stores, startStores, TestDevice } from './start-service.ts';
import { fromWireGrowth } from './wire-growth.ts';

describe('get-anchor', () => {
  let stores: Stores;
  let device: TestDevice;
  const sealed: SealedBatch[] = [];
  before(async () => {
    stores = await startStores();
    device = await TestDevice.open(stores);
    for (const count of [1, 6, 600, 3]) {
      const batch = device.seal(blocks(Array(count).fill(1)));
      await putObject(stores, batch.segment.key, batch.segment.car);
      assert.equal(await ingestSegment(stores.ports, batch.segment.key), 'placed');
      sealed.push(batch);
    }
  });
  after(() => stores.close());
  const ask = async (since?: number, dataset = device.dataset) =>
    // As it travels.
    getAnchorResponse.parse(JSON.parse(JSON.stringify(await getAnchor(stores.ports, { dataset, since }))));

  test('shows a charter that its owner has signed, and a head that its device has', async () => {
    const { charter, head, round, growth } = await ask();
    requireCharterSignature(DOMAIN, charterFromWire(charter));
    assert.deepEqual(charterFromWire(charter), device.charter);
    const { size, root, signature, serial } = head!;
    assert.deepEqual({ size, serial }, { size: 610, serial: device.serial });
    const signed = { dataset: device.dataset, size, root: fromHex(root) as LogRoot };
    assert.equal(recoverHeadSigner(DOMAIN, signed, fromHex(signature)), accountOfKey(device.deviceKey));
    assert.deepEqual([round, growth], [null, []]);
  });

  test('shows the growth to that head from any size before', async () => {
    const after = sealed.at(-1)!.manifest.head;
    for (const since of [0, 1, 7, 300, 607, 609]) {
      const { growth } = await ask(since);
      const known = sealed.find(({ manifest }) => manifest.head.size === since)?.manifest.head;
      const before = since === 0 ? { size: 0, root: EMPTY_ROOT } : known;
      const [only] = growth.map(fromWireGrowth);
      assert.deepEqual([growth.length, only!.from, only!.to], [1, since, 610]);
      if (before !== undefined) requireGrowth(nodePrimitives, before, after, only!);
    }
    assert.deepEqual((await ask(610)).growth, []);
    await assert.rejects(ask(611), { type: '/problems/not-found' });
  });

  test('a dataset whose charter nobody has shown is not known; one without blocks has no head', async () => {
    await assert.rejects(ask(undefined, `0x${'ab'.repeat(32)}` as typeof device.dataset), {
      type: '/problems/not-found',
    });
    const empty = await TestDevice.open(stores);
    assert.deepEqual((await ask(0, empty.dataset)).head, null);
    assert.deepEqual((await ask(0, empty.dataset)).growth, []);
  });
});
