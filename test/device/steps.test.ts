import assert from 'node:assert/strict';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { StoreUnavailableError } from '../../core/errors.ts';
import type { DeviceEvent } from '../../device/events.ts';
import { OutboxDamagedError } from '../../device/outbox/errors.ts';
import { openOutbox } from '../../device/outbox/open-outbox.ts';
import { createMutex } from '../../device/steps/mutex.ts';
import { createStep, runStep, type Work } from '../../device/steps/run-step.ts';
import { waitAtMost } from '../../device/steps/wait-at-most.ts';
import { newWriter, ownerOf, temporaryFolder } from './fixture.ts';
import { VirtualRuntime } from './virtual-runtime.ts';

function setUp(context: TestContext) {
  const runtime = new VirtualRuntime(0);
  const writer = newWriter();
  const outbox = openOutbox(join(temporaryFolder(context), 'o'), ownerOf(writer));
  context.after(() => outbox.close());
  const events: DeviceEvent[] = [];
  const stop = new AbortController();
  const step = createStep(runtime, 'check');
  const parts = { runtime, outbox, report: (event: DeviceEvent) => events.push(event) };
  const run = (work: Work) => runStep({ ...parts, backoff: { firstMs: 500, mostMs: 30_000 } }, step, work, stop.signal);
  return { runtime, events, step, stop, run };
}

test('work that excludes other work waits for its turn, also behind work that fails', async () => {
  const mutex = createMutex();
  const seen: string[] = [];
  const first = Promise.withResolvers<void>();
  const one = mutex.run(async () => {
    seen.push('one begins');
    await first.promise;
    seen.push('one ends');
    throw new Error('one fails');
  });
  const two = mutex.run(async () => {
    seen.push('two');
    return 2;
  });
  const three = mutex.run(async () => void seen.push('three'));
  await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual(seen, ['one begins']);
  first.resolve();
  await assert.rejects(one, /one fails/);
  assert.equal(await two, 2);
  await three;
  assert.deepEqual(seen, ['one begins', 'one ends', 'two', 'three']);
});

test('what hangs or fails is waited for no longer than said, and nothing is left behind', async () => {
  const runtime = new VirtualRuntime(0);
  await runtime.until(waitAtMost(runtime, 1500, new Promise(() => {})));
  assert.equal(runtime.nowMs(), 1500);
  await runtime.until(waitAtMost(runtime, 1500, Promise.reject(new Error('failed'))));
  await runtime.until(waitAtMost(runtime, 1500, Promise.resolve()));
  assert.equal(runtime.nowMs(), 1500);
  await assert.rejects(runtime.until(new Promise(() => {})), /Nothing is left to happen/);
});

test('a step that fails pauses twice as long each time, at most so long, and starts small again once it works', async (context) => {
  const { runtime, events, stop, run } = setUp(context);
  let fails = true;
  const running = run(async () => {
    if (fails) throw new StoreUnavailableError('Away.');
    return 1000;
  });
  const pauses = () => events.flatMap((event) => (event.event === 'retry' ? [event.inMs] : []));
  await runtime.pass(200_000);
  for (const [n, ms] of pauses().entries()) {
    const whole = Math.min(30_000, 500 * 2 ** n);
    assert.ok(ms >= whole / 2 && ms <= whole, `pause ${n} is ${ms} ms`);
  }
  assert.ok(pauses().length > 10);
  const failed = pauses().length;
  fails = false;
  await runtime.pass(60_000);
  fails = true;
  await runtime.pass(1000);
  assert.ok((pauses()[failed] as number) <= 500);
  stop.abort();
  await runtime.until(running);
});

test('a step looks again after the time it said or when it is woken, which a pause after a failure does not hear', async (context) => {
  const { runtime, step, stop, run } = setUp(context);
  const looks: number[] = [];
  const running = run(async () => {
    looks.push(runtime.nowMs());
    if (looks.length === 4) throw new StoreUnavailableError('Away.');
    return 1000;
  });
  await runtime.pass(1500);
  assert.deepEqual(looks, [0, 1000]);
  step.wakeup.notify();
  await runtime.pass(1000);
  assert.deepEqual(looks, [0, 1000, 1500, 2500]);
  step.wakeup.notify();
  await runtime.pass(200);
  assert.equal(looks.length, 4);
  await runtime.pass(300);
  // Once for the pause's end, and once for having been woken meanwhile.
  assert.equal(looks.length, 6);
  stop.abort();
  await runtime.until(running);
});

test('damage to the outbox ends a step at once', async (context) => {
  const { runtime, events, run } = setUp(context);
  const failed = run(async () => {
    throw new OutboxDamagedError('Damaged.');
  });
  await assert.rejects(runtime.until(failed), OutboxDamagedError);
  assert.deepEqual(events, []);
});
