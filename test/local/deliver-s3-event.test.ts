import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import type { Recorder } from '../../core/ports/ledger.ts';
import type { FunctionRow } from '../../functions/row.ts';
import { anchorRow, getOpenapiRow, ingestSegmentRow, segmentRemovedRow } from '../../functions/table.ts';
import { deliverS3Event } from '../../local/host/deliver-s3-event.ts';
import type { LocalFunction } from '../../local/host/invoke-function.ts';
import { startHost } from '../../local/host/start-host.ts';
import { makeEvent, type S3ObjectEvent } from '../../local/s3/s3-event.ts';
import { blocks, putObject, startStores, TestDevice } from '../functions/start-service.ts';

const eventOf = (eventName: string, key = 'd/0/s.car'): S3ObjectEvent =>
  makeEvent({
    ...{ eventName: eventName as S3ObjectEvent['eventName'], region: 'eu-west-1', atMs: 0, requestId: 'r' },
    ...{ accessKey: 'a', bucket: 'segments', key, sequencer: '1' },
  });

/** Functions that write down what they are given, some of which do not take it. */
function listeners(rows: readonly FunctionRow[], failing: readonly FunctionRow[] = []) {
  const given: [name: string, event: unknown][] = [];
  const functions: LocalFunction[] = rows.map((row) => ({
    row,
    async invoke(event) {
      given.push([row.name, event]);
      return { batchItemFailures: failing.includes(row) ? [{ itemIdentifier: 'm' }] : [] };
    },
  }));
  return { functions, given, names: () => given.map(([name]) => name) };
}

const all = [ingestSegmentRow, segmentRemovedRow, anchorRow, getOpenapiRow];

describe('an event of the store', () => {
  for (const [eventName, listening] of [
    ['ObjectCreated:Put', ['ingest-segment']],
    ['ObjectCreated:CompleteMultipartUpload', ['ingest-segment']],
    ['ObjectRemoved:Delete', ['segment-removed']],
    ['LifecycleExpiration:Delete', ['segment-removed']],
    ['ObjectTagging:Put', []],
    ['ObjectCreatedElsewhere', []],
  ] as const) {
    test(`goes to the functions that listen to it, and to no other: ${eventName}`, async () => {
      const { functions, names } = listeners(all);
      await deliverS3Event(functions, eventOf(eventName));
      assert.deepEqual(names(), [...listening]);
    });
  }

  for (const key of ['d/tile/0/7', 'd/charter-1790000000', 'd/0/s.car.part', 'car']) {
    test(`of what is no segment goes to nobody: ${key}`, async () => {
      const { functions, names } = listeners(all);
      for (const eventName of ['ObjectCreated:Put', 'ObjectRemoved:Delete']) {
        await deliverS3Event(functions, eventOf(eventName, key));
      }
      assert.deepEqual(names(), []);
    });
  }

  test('that a row names without a star is that event alone', async () => {
    const exact: FunctionRow = {
      ...segmentRemovedRow,
      trigger: { ...segmentRemovedRow.trigger, events: ['s3:ObjectRemoved:Delete'] },
    };
    const { functions, names } = listeners([exact]);
    await deliverS3Event(functions, eventOf('ObjectRemoved:DeleteMarkerCreated'));
    assert.deepEqual(names(), []);
    await deliverS3Event(functions, eventOf('ObjectRemoved:Delete'));
    assert.deepEqual(names(), ['segment-removed']);
  });

  test('comes as one message of a queue', async () => {
    const { functions, given } = listeners([ingestSegmentRow]);
    const event = eventOf('ObjectCreated:Put');
    await deliverS3Event(functions, event);
    const [[, { Records }]] = given as [[string, { Records: { messageId: string; body: string }[] }]];
    assert.equal(Records.length, 1);
    assert.deepEqual(JSON.parse(Records[0]?.body ?? ''), { Records: [event] });
    assert.ok(Records[0]?.messageId);
  });

  test('must come again when a function did not take it', async () => {
    const { functions } = listeners(all, [ingestSegmentRow]);
    await assert.rejects(
      deliverS3Event(functions, eventOf('ObjectCreated:Put')),
      /ingest-segment did not take ObjectCreated:Put/,
    );
    await deliverS3Event(functions, eventOf('ObjectRemoved:Delete'));
  });
});

test('a segment that is stored is checked in by its event alone, and wakes the anchor at once', {
  timeout: 60_000,
}, async (context: TestContext) => {
  const stores = await startStores();
  context.after(() => stores.close());
  const asked = Promise.withResolvers<void>();
  // Whatever the anchor asks of its account, it has run.
  const account = `0x${'a1'.repeat(20)}`;
  const recorder = new Proxy({ account } as unknown as Recorder, {
    get(target, name) {
      if (name in target) return target[name as keyof Recorder];
      asked.resolve();
      throw new Error('No chain here.');
    },
  });
  const host = await startHost({
    ports: { ...stores.ports, recorder },
    ...{ lambda: null, anchorEveryMs: 3_600_000 },
  });
  context.after(() => host.close());
  const device = await TestDevice.open(stores);
  const { segment } = device.seal(blocks([10]));
  await putObject(stores, segment.key, segment.car);
  await stores.s3.drained();
  for (const event of stores.events) await host.deliverS3Event(event);
  assert.match(JSON.stringify(stores.lines), /"outcome":"placed"/);
  await asked.promise;
});
