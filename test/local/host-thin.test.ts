import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Wallet } from 'ethers';
import { nodeRuntime } from '../../adapters/runtime/node-runtime.ts';
import { createLambdaTransport } from '../../adapters/service/lambda-transport.ts';
import { createStorageServiceClient } from '../../client/service/storage-service-client.ts';
import { to0x } from '../../core/bytes.ts';
import { startHost } from '../../local/host/start-host.ts';
import { blocks, DOMAIN, REGION, startStores, TestDevice } from '../functions/start-service.ts';

test('a segment goes up, is checked in, listed, hashed, proven and read back over the local host', async () => {
  let deliver: Parameters<typeof startStores>[0];
  const stores = await startStores((event) => deliver?.(event) ?? Promise.resolve());
  const { ports, s3Keys } = stores;
  const host = await startHost({
    ports,

    lambda: { ...s3Keys, region: REGION },
  });
  deliver = (event) => host.deliverS3Event(event);
  try {
    const device = await TestDevice.open(stores);
    const clientOf = (key: Uint8Array, transport = {}) => {
      const account = new Wallet(to0x(key));
      return createStorageServiceClient({
        runtime: nodeRuntime,
        apiUrl: host.apiUrl,
        chainId: DOMAIN.chainId,
        account,
        ...transport,
      });
    };
    const uploader = clientOf(device.deviceKey);
    const batch = device.seal(blocks([1000, 5, 70_000, 1024, 2048]));
    const { car, sha256 } = batch.segment;
    const answer = await uploader.uploadSegment(device.dataset, { first: 0, sha256, sizeBytes: car.length });
    assert.equal(answer.key, batch.segment.key);
    const put = answer.put!;
    const stored = await fetch(put.url, { method: 'PUT', headers: put.headers, body: car as Uint8Array<ArrayBuffer> });
    assert.equal(stored.status, 200, await stored.text());
    await stores.s3.drained();
    assert.equal(stores.woken.times, 0, 'the host wakes its own loop');

    const again = await uploader.uploadSegment(device.dataset, { first: 0, sha256, sizeBytes: car.length });
    assert.equal(again.put, null);
    assert.equal(again.state, 'checked-in');

    const owner = clientOf(device.ownerKey);
    const list = await owner.listBatches(device.dataset, { by: 'block' });
    assert.deepEqual(
      list.batches.map(({ first, count, state, serial }) => ({ first, count, state, serial })),
      [{ first: 0, count: 5, state: 'received', serial: device.serial }],
    );
    const head = { dataset: device.dataset, ...batch.manifest.head };
    stores.ledger.heads.latest.set(device.dataset, head);
    assert.equal((await owner.listBatches(device.dataset, { by: 'time' })).batches[0]?.state, 'recorded');

    const indices = [0, 1, 2, 3, 4];
    const hashed = await owner.hashBlocks(device.dataset, indices);
    assert.equal(hashed.answers.length, 5);
    assert.deepEqual(
      hashed.answers.map((one) => ('opening' in one ? Buffer.from(one.opening.sha256).toString('hex') : one)),
      batch.manifest.blocks.map((block) => Buffer.from(block.sha256).toString('hex')),
    );
    const proven = await owner.proveChunks(device.dataset, [{ index: 2, random: 4_000_000_000 }]);
    assert.ok('chunk' in proven.answers[0]!);
    const records = await owner.getRecords(device.dataset, [1, 4], 5);
    assert.deepEqual(
      records.batches[0]?.records.map(({ index }) => index),
      [1, 4],
    );
    const got = await owner.getBlock(device.dataset, 2);
    assert.ok('block' in got);
    assert.equal(got.block.length, 70_016);

    const invoker = clientOf(device.ownerKey, {
      transport: createLambdaTransport({
        region: REGION,
        endpoint: host.lambdaEndpoint!,
        credentials: { accessKeyId: s3Keys.accessKey, secretAccessKey: s3Keys.secretKey },
      }),
    });
    assert.deepEqual(await invoker.hashBlocks(device.dataset, indices), hashed);
  } finally {
    await host.close();
    await stores.close();
  }
});
