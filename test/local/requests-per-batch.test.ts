import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { S3Client } from '@aws-sdk/client-s3';
import { Wallet } from 'ethers';
import { nodeRuntime } from '../../adapters/runtime/node-runtime.ts';
import { createStorageServiceClient } from '../../client/service/storage-service-client.ts';
import { to0x } from '../../core/bytes.ts';
import { type RunningHost, startHost } from '../../local/host/start-host.ts';
import { blocks, DOMAIN, startStores, TestDevice } from '../functions/start-service.ts';

// Of the 16 that specification#figures allows; one more wakes the anchor, whose own are shared by all that it records at
// once.
const MOST_REQUESTS = 15;

test('a batch takes the same few AWS requests from upload to its place in the log, however many blocks it has', async () => {
  let deliver: RunningHost['deliverS3Event'] | null = null;
  const stores = await startStores(async (event) => deliver?.(event), { table: 'served' });
  const host = await startHost({ ports: stores.ports, lambda: null });
  deliver = host.deliverS3Event;
  const sent: string[] = [];
  const restore = [DynamoDBClient, S3Client].map(({ prototype }) => {
    const send = prototype.send as (...args: unknown[]) => unknown;
    Object.assign(prototype, {
      send(command: { constructor: { name: string } }, ...rest: unknown[]) {
        sent.push(command.constructor.name);
        return send.call(this, command, ...rest);
      },
    });
    return () => Object.assign(prototype, { send });
  });
  try {
    const device = await TestDevice.open(stores);
    const account = new Wallet(to0x(device.deviceKey));
    const client = createStorageServiceClient({
      runtime: nodeRuntime,
      apiUrl: host.apiUrl,
      chainId: DOMAIN.chainId,
      account,
    });
    for (const count of [1024, 1, 1024, 3]) {
      const { segment, manifest } = device.seal(blocks(Array(count).fill(5)));
      sent.length = 0;
      const input = { first: manifest.first, sha256: segment.sha256, sizeBytes: segment.car.length };
      const { put } = await client.uploadSegment(device.dataset, input);
      const body = segment.car as Uint8Array<ArrayBuffer>;
      assert.equal((await fetch(put!.url, { method: 'PUT', headers: put!.headers, body })).status, 200);
      await stores.s3.drained();
      // The PUT itself is one more.
      const requests = sent.length + 1;
      // The first batch of a dataset also makes its items, and one that spans a longer time than any before says so.
      if (manifest.first > 0) assert.ok(requests <= MOST_REQUESTS, `${requests}: ${sent.join(' ')}`);
    }
  } finally {
    for (const undo of restore) undo();
    await host.close();
    await stores.close();
  }
});
