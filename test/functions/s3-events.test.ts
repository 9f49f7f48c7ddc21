import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { BatchResponse } from '../../functions/events/s3-event-middleware.ts';
import type { ServicePorts } from '../../functions/ports.ts';
import { makeEvent } from '../../local/s3/s3-event.ts';
import { handlerOf } from './handler-of.ts';
import { BUCKET, blocks, putObject, REGION, type Stores, startStores, TestDevice } from './start-service.ts';

describe('S3 events through a queue', () => {
  let stores: Stores;
  before(async () => {
    stores = await startStores();
  });
  after(() => stores.close());

  async function deliver(
    name: 'ingest-segment' | 'segment-removed',
    bodies: readonly string[],
    ports: ServicePorts = stores.ports,
  ) {
    const handler = await handlerOf<BatchResponse>(name, ports);
    const Records = bodies.map((body, i) => ({ messageId: `m${i}`, body }));
    const { batchItemFailures } = await handler({ Records }, {});
    return batchItemFailures.map(({ itemIdentifier }) => itemIdentifier);
  }
  const created = (key: string) =>
    JSON.stringify({
      Records: [
        makeEvent({
          ...{ eventName: 'ObjectCreated:Put', region: REGION, atMs: 0, requestId: 'r', accessKey: 'a' },
          ...{ bucket: BUCKET, key, sequencer: '1' },
        }),
      ],
    });
  const state = (pattern: RegExp) => stores.lines.filter((line) => pattern.test(JSON.stringify(line))).length;

  test('only what failed comes again', async () => {
    const device = await TestDevice.open(stores);
    const batches = [device.seal(blocks([10])), device.seal(blocks([20]))];
    for (const { segment } of batches) await putObject(stores, segment.key, segment.car);
    const [first, second] = batches.map(({ segment }) => segment.key);
    const ports = {
      ...stores.ports,
      objects: {
        ...stores.ports.objects,
        read: (key: string, ...rest: [{ start: number; end: number }, AbortSignal?]) =>
          key === first ? Promise.reject(new Error('unlucky')) : stores.ports.objects.read(key, ...rest),
      },
    };
    const failed = await deliver(
      'ingest-segment',
      [created(first!), created(second!), 'not json', '{"Records": 1}'],
      ports,
    );
    assert.deepEqual(failed, ['m0', 'm2', 'm3']);
    assert.ok(state(/unlucky/) > 0);
    assert.deepEqual(await deliver('ingest-segment', [created(first!)]), []);
    assert.equal(state(/"outcome":"placed"/), 1);
    assert.equal(state(/"outcome":"waiting"/), 1);
  });

  test('what is not about segments is let go', async () => {
    const bodies = [
      '{"Event": "s3:TestEvent"}',
      created('some other/öbject +%'),
      created('x'.repeat(1000)),
      '{"Records": []}',
    ];
    assert.deepEqual(await deliver('ingest-segment', bodies), []);
    assert.deepEqual(await deliver('segment-removed', bodies), []);
  });

  test('a removal that is real raises the alarm', async () => {
    const device = await TestDevice.open(stores);
    const { segment } = device.seal(blocks([10]));
    await putObject(stores, segment.key, segment.car);
    await deliver('ingest-segment', [created(segment.key)]);
    stores.lines.length = 0;
    const gone = { ...stores.ports, objects: { ...stores.ports.objects, size: async () => null } };
    assert.deepEqual(await deliver('segment-removed', [created(segment.key)], gone), []);
    assert.equal(state(/"level":"error".*segment lost/), 1);
    assert.equal(state(/"metric":"Removal.lost"/), 1);
  });
});
