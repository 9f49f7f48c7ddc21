import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Outbox } from '../../device/outbox/open-outbox.ts';
import { createBacklog } from '../../device/steps/backlog.ts';
import { createLogComparison } from '../../device/steps/comparison.ts';
import { createEnding } from '../../device/steps/ending.ts';

function clock() {
  const at = { nowMs: 0 };
  return { at, runtime: { monotonicMs: () => at.nowMs } };
}

test('a comparison of logs counts for a while where it found nothing, and not at all where it did or failed', async () => {
  const { at, runtime } = clock();
  const comparison = createLogComparison(runtime);
  assert.deepEqual([comparison.isKnown(), comparison.isYoungerThan(1_000)], [false, false]);
  assert.equal(await comparison.make(async () => null), null);
  at.nowMs = 1_000;
  assert.deepEqual([comparison.isKnown(), comparison.isYoungerThan(1_000)], [true, true]);
  at.nowMs = 1_001;
  assert.deepEqual([comparison.isKnown(), comparison.isYoungerThan(1_000)], [true, false]);
  assert.equal(await comparison.make(async () => 'a fork'), 'a fork');
  assert.deepEqual([comparison.isKnown(), comparison.isYoungerThan(1_000)], [false, false]);
  await comparison.make(async () => null);
  comparison.expire();
  assert.equal(comparison.isKnown(), false);
  await assert.rejects(
    comparison.make(async () => {
      assert.ok(comparison.isUnderWay());
      throw new Error('no chain');
    }),
    /no chain/,
  );
  assert.deepEqual([comparison.isKnown(), comparison.isUnderWay()], [false, false]);
});

test('a run ends by the first failure that cannot mend itself', () => {
  const ending = createEnding();
  ending.throwIfFailed();
  ending.fail(new Error('first'));
  ending.fail(new Error('second'));
  assert.ok(ending.signal.aborted);
  assert.throws(() => ending.throwIfFailed(), /first/);
  const finished = createEnding();
  finished.finish();
  finished.throwIfFailed();
  assert.ok(finished.signal.aborted);
});

test('a batch is due when it is full or its oldest block is old enough, which what a former run left is', () => {
  const limits = { maxBlocks: 3, maxBytes: 100, maxAgeMs: 5_000 };
  const outboxWith = (blocks: number, bytes: number) =>
    ({ sql: () => ({ get: () => ({ blocks, bytes }) }) }) as unknown as Outbox;
  const { at, runtime } = clock();
  assert.ok(createBacklog(runtime, outboxWith(1, 10)).dueInMs(limits) <= 0);
  at.nowMs = 1_000;
  const backlog = createBacklog(runtime, outboxWith(0, 0));
  backlog.captured({ blocks: 1, bytes: 10 });
  at.nowMs = 2_000;
  backlog.captured({ blocks: 1, bytes: 10 });
  assert.equal(backlog.dueInMs(limits), 4_000);
  backlog.captured({ blocks: 1, bytes: 10 });
  assert.equal(backlog.dueInMs(limits), 0);
  backlog.sealed({ blocks: 2, bytes: 20 });
  assert.deepEqual([backlog.blocks(), backlog.dueInMs(limits)], [1, 5_000]);
  backlog.captured({ blocks: 1, bytes: 90 });
  assert.equal(backlog.dueInMs(limits), 0);
});
