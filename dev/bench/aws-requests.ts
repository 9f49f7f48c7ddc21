/**
 * AWS requests that a batch takes from upload to its place in the log, counted where the SDK sends them, the device's PUT
 * included; the anchor's own are shared by all that it records at once.
 *
 *     node dev/bench/aws-requests.ts [--json]
 */
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { S3Client } from '@aws-sdk/client-s3';
import { nodeTransfer } from '../../adapters/http/node-transfer.ts';
import { signMessage } from '../../adapters/keys/mnemonic.ts';
import { nodeRuntime } from '../../adapters/runtime/node-runtime.ts';
import { createStorageServiceClient } from '../../client/service/storage-service-client.ts';
import { accountOfKey } from '../../core/typed-data.ts';
import { putObject } from '../../device/upload/put-object.ts';
import { type RunningHost, startHost } from '../../local/host/start-host.ts';
import { blocks, DOMAIN, startStores, TestDevice } from '../../test/functions/start-service.ts';

const BATCHES = [1024, 1, 16, 256, 1024];

let deliver: RunningHost['deliverS3Event'] | null = null;
const stores = await startStores(async (event) => deliver?.(event), { table: 'served' });
const host = await startHost({ ports: stores.ports, lambda: null });
deliver = host.deliverS3Event;
let sent = 0;
for (const { prototype } of [DynamoDBClient, S3Client]) {
  const send = prototype.send as (...args: unknown[]) => unknown;
  Object.assign(prototype, {
    send(...args: unknown[]) {
      sent += 1;
      return send.apply(this, args);
    },
  });
}
const counted: { blocks: number; requests: number }[] = [];
try {
  const device = await TestDevice.open(stores);
  const account = {
    address: accountOfKey(device.deviceKey),
    signMessage: (message: Uint8Array) => signMessage(device.deviceKey, message),
  };
  const client = createStorageServiceClient({
    runtime: nodeRuntime,
    apiUrl: host.apiUrl,
    chainId: DOMAIN.chainId,
    account,
  });
  for (const [number, count] of BATCHES.entries()) {
    const { segment, manifest } = device.seal(blocks(Array(count).fill(5)));
    sent = 0;
    const input = { first: manifest.first, sha256: segment.sha256, sizeBytes: segment.car.length };
    const { put } = await client.uploadSegment(device.dataset, input);
    if (put === null) throw new Error('The segment is there already.');
    await putObject(nodeTransfer, put, segment.car, { stallMs: 10_000 }, AbortSignal.timeout(30_000));
    await stores.s3.drained();
    // The first batch of a dataset also makes its items. The PUT itself is one more.
    if (number > 0) counted.push({ blocks: count, requests: sent + 1 });
  }
} finally {
  await host.close();
  await stores.close();
}
const most = Math.max(...counted.map(({ requests }) => requests));
if (process.argv.includes('--json')) console.log(JSON.stringify({ most, counted }));
else console.log(`at most ${most} AWS requests a batch, of ${counted.map((one) => one.blocks).join(', ')} blocks`);
