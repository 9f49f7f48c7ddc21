import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createCompareStep } from '../../device/steps/compare-logs.ts';
import type { DeviceRun } from '../../device/steps/device-run.ts';
import { createMutex } from '../../device/steps/mutex.ts';
import { sealBatches } from '../../device/steps/seal-batches.ts';

const never = new AbortController().signal;
const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

/** A run of which only what these two steps share is there. */
function setUp(held: string | null = null) {
  const seen: string[] = [];
  const logEnd = createMutex();
  // Nothing is planned in it.
  const outbox = {
    sql: () => ({ all: () => [], get: () => ({ n: 0 }), run: () => {} }),
    hasTrouble: () => false,
    noteTrouble: () => {},
  };
  const report = ({ event }: { event: string }) => seen.push(event);
  const run = {
    ...{ logEnd, bornEmpty: false, parts: { clock: { nowMs: () => 0 }, outbox, report, runtime: { nowMs: () => 0 } } },
    options: { followEveryMs: 700, compareEveryMs: 1_000, batch: {} },
    chain: { expire: () => seen.push('asks the chain anew') },
    backlog: { blocks: () => 1, dueInMs: () => 0 },
    wake: (...names: readonly string[]) => seen.push(`wakes ${names.join(', ')}`),
    comparison: {
      isUnderWay: () => false,
      isYoungerThan: () => false,
      make: async () => {
        seen.push('compares');
        return held;
      },
    },
  } as unknown as DeviceRun;
  return { run, logEnd, seen };
}

test('logs are compared only when no batch is being sealed, whose end comparing may change', async () => {
  const { run, logEnd, seen } = setUp();
  const sealing = Promise.withResolvers<void>();
  const sealed = logEnd.run(() => sealing.promise);
  const compared = createCompareStep(run)(never);
  await turn();
  assert.deepEqual(seen, []);
  sealing.resolve();
  await sealed;
  assert.equal(await compared, Number.POSITIVE_INFINITY);
  assert.deepEqual(seen, ['compares', 'wakes seal, follow, upload']);
});

test('no batch is sealed while logs are compared', async () => {
  const { run, logEnd, seen } = setUp();
  const comparing = Promise.withResolvers<void>();
  const compared = logEnd.run(() => comparing.promise);
  const sealing = sealBatches(run, never);
  await turn();
  assert.deepEqual(seen, []);
  comparing.resolve();
  await compared;
  await sealing;
  assert.deepEqual(seen, ['wakes compare'], 'the comparison is too old by then');
});

test('what forbids sealing is said once, and looked at again as often as the chain is', async () => {
  const { run, seen } = setUp('another device writes');
  const step = createCompareStep(run);
  assert.equal(await step(never), 700);
  assert.equal(await step(never), 700);
  const anew = 'asks the chain anew';
  assert.deepEqual(seen, ['compares', 'held', anew, 'compares', anew]);
});
