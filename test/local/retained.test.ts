import assert from 'node:assert/strict';
import { IncomingMessage, ServerResponse } from 'node:http';
import { createRequire } from 'node:module';
import { test } from 'node:test';
import { queryObjects } from 'node:v8';
import { startHost } from '../../local/host/start-host.ts';
import { blocks, putObject, startStores, TestDevice } from '../functions/start-service.ts';

// What is compiled, cached and pooled is there after so many.
const WARM_UP = 60;
const REQUESTS = 120;
/** Pools and sockets that stay; of what is kept of each request there would be as many as there were requests. */
const MOST_MORE = REQUESTS / 3;

test('nothing is kept of a request that was answered', async () => {
  const stores = await startStores();
  const host = await startHost({ ports: stores.ports, lambda: null });
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
          // Counting takes longer than an idle connection is kept.
          headers: { connection: 'close' },
          body: JSON.stringify({ blocks: [0, 1], size: 2 }),
        });
        await answer.arrayBuffer();
        assert.equal(answer.status, 200);
      }
    };
    // What the table's store leaves open when a query has ended is what was kept once.
    const ofDynalite = createRequire(createRequire(import.meta.url).resolve('dynalite'));
    const { AbstractValueIterator } = createRequire(ofDynalite.resolve('level'))('abstract-level');
    // Signals are not among them: a request's deadline is kept until it is over, 29 s at the most.
    const kinds = { AbstractValueIterator, IncomingMessage, ServerResponse, Promise, Uint8Array };
    // It collects before it counts.
    const alive = (): Record<string, number> =>
      Object.fromEntries(
        Object.entries(kinds).map(([name, kind]) => [name, Number(queryObjects(kind, { format: 'count' }))]),
      );
    await ask(WARM_UP);
    const before = alive();
    await ask(REQUESTS);
    for (const [name, count] of Object.entries(alive())) {
      const more = count - (before[name] ?? 0);
      assert.ok(more <= MOST_MORE, `${more} more of ${name} are there after ${REQUESTS} requests`);
    }
  } finally {
    await host.close();
    await stores.close();
  }
});
