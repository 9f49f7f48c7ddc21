import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { test } from 'node:test';
import { queryObjects, setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { startHost } from '../../local/host/start-host.ts';
import { blocks, putObject, startStores, TestDevice } from '../functions/start-service.ts';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

// What is compiled, cached and pooled is there after so many.
const WARM_UP = 60;
const REQUESTS = 150;
/** The iterators of the table's store that a request opens, left open, were 6,700. */
const MOST_BYTES_A_REQUEST = 5_000;

test('nothing is kept of a request that was answered', async () => {
  const stores = await startStores();
  const host = await startHost({ ports: stores.ports, owners: () => stores.owners, lambda: null });
  try {
    const device = await TestDevice.open(stores);
    const { segment } = device.seal(blocks([100, 200]));
    await putObject(stores, segment.key, segment.car);
    await stores.s3.drained();
    for (const event of stores.events) await host.deliverS3Event(event);
    const ask = async (times: number): Promise<void> => {
      for (let i = 0; i < times; i++) {
        const answer = await fetch(`${host.apiUrl}/v1/datasets/${device.dataset}/records`, {
          method: 'POST',
          body: JSON.stringify({ blocks: [0, 1], size: 2 }),
        });
        await answer.arrayBuffer();
        assert.equal(answer.status, 200);
      }
    };
    const heapBytes = async (): Promise<number> => {
      for (let i = 0; i < 3; i++) {
        collect();
        await new Promise((resolve) => setImmediate(resolve));
      }
      return process.memoryUsage().heapUsed;
    };
    await ask(WARM_UP);
    const before = await heapBytes();
    await ask(REQUESTS);
    const kept = ((await heapBytes()) - before) / REQUESTS;
    assert.ok(kept < MOST_BYTES_A_REQUEST, `${Math.round(kept)} bytes are kept of each request`);

    const ofDynalite = createRequire(createRequire(import.meta.url).resolve('dynalite'));
    const { AbstractValueIterator } = createRequire(ofDynalite.resolve('level'))('abstract-level');
    const open = Number(queryObjects(AbstractValueIterator, { format: 'count' }));
    assert.ok(open <= 10, `${open} iterators of the table's store are still there`);
  } finally {
    await host.close();
    await stores.close();
  }
});
