import assert from 'node:assert/strict';
import { it } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { DeleteObjectCommand } from '@aws-sdk/client-s3';
import type { S3ObjectEvent } from '../../../local/s3/s3-event.ts';
import { makeBench } from './bench.ts';
import { startEmbedded } from './embedded-target.ts';
import { objectStoreSuite } from './suite.ts';
import type { ObjectStoreBehaviour } from './target.ts';

const behaviour: ObjectStoreBehaviour = {
  refusesUnsignedPayload: true,
  refusesForeignHost: true,
  refusesForeignOrigin: true,
  refusesHoistedChecksum: true,
  refusesFuturePresigned: true,
  explainsNul: true,
  keepsEmptySegments: true,
};

objectStoreSuite({ name: 'embedded', behaviour, start: () => startEmbedded() });

it('the embedded object store tells every acknowledged change at least once, through kill -9', async (t) => {
  const told = new Map<string, S3ObjectEvent>();
  let wake = Promise.withResolvers<void>();
  const start = () =>
    startEmbedded((json) => {
      const event = JSON.parse(json) as S3ObjectEvent;
      told.set(`${event.eventName} ${event.s3.object.key}`, event);
      wake.resolve();
      wake = Promise.withResolvers();
    });
  const bench = makeBench({ name: 'embedded', behaviour, start });
  t.after(() => bench.stop());
  await bench.start();
  const owed = new Set<string>();
  for (let round = 0; round < 4; round++) {
    const dying = Promise.withResolvers<void>();
    let dead = false;
    const writers = Array.from({ length: 4 }, async (_, writer) => {
      for (let at = 0; !dead; at++) {
        const key = `${round}-${writer}-${at}`;
        try {
          await bench.put(key);
          owed.add(`ObjectCreated:Put ${key}`);
          await bench.client.send(new DeleteObjectCommand({ Bucket: bench.store.bucket, Key: key }));
          owed.add(`ObjectRemoved:Delete ${key}`);
        } catch {
          return;
        }
        if (at === 3 + round) dying.resolve();
      }
    });
    await dying.promise;
    await delay(Math.random() * 15); // Any instant will do.
    await bench.crash();
    dead = true;
    await Promise.all(writers);
  }
  const deadline = AbortSignal.timeout(20_000);
  const late = new Promise<void>((resolve) => deadline.addEventListener('abort', () => resolve(), { once: true }));
  const missing = () => [...owed].filter((name) => !told.has(name));
  while (missing().length > 0 && !deadline.aborted) await Promise.race([wake.promise, late]);
  assert.deepEqual(missing(), []);
});
