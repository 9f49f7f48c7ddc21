import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { nodePrimitives } from '../../adapters/crypto/node-primitives.ts';
import { fallingClock } from '../../core/block/falling-clock.ts';
import { encodeMeta } from '../../core/block/meta.ts';
import { u32 } from '../../core/bytes.ts';
import { MAX_META_BYTES } from '../../core/limits.ts';
import { createDeviceClock } from '../../device/clock.ts';
import { isSealedAs, requireSealable, stampBlocks } from '../../device/log/stamp-blocks.ts';
import { copyOutbox, newWriter, restore, restoreStream, startDevice, successorOf, temporaryFolder } from './fixture.ts';
import { pushSource } from './push-source.ts';
import { startRemote } from './remote.ts';

/* `at` never falls within a stretch, whatever clocks, copies and replacements do; `after` names a final chain block. */

const NOW = Date.UTC(2026, 5, 1);
const HOUR = 3_600_000;
const content = new Uint8Array(1);

test('a clock that goes back keeps the last time and says so; one that is right begins a new stretch where it had been ahead', () => {
  let nowMs = NOW;
  const clock = createDeviceClock({ nowMs: () => nowMs, monotonicMs: () => 0 }, { at: NOW - 5 });
  assert.deepEqual(clock.stamp(), { at: NOW });
  nowMs = NOW - 30_000;
  assert.deepEqual(clock.stamp(), { at: NOW, clock: 1 });
  nowMs = NOW + HOUR;
  assert.deepEqual(clock.stamp(), { at: NOW + HOUR });
  // Nobody has said yet which of the two was right.
  nowMs = NOW + 1;
  assert.deepEqual(clock.stamp(), { at: NOW + HOUR, clock: 1 });
  clock.compare(NOW + 2);
  assert.deepEqual(clock.stamp(), { at: NOW + 1, clock: 2 });
  nowMs = NOW + 2;
  assert.deepEqual(clock.stamp(), { at: NOW + 2 });
  // By less than a minute it only waits.
  nowMs = NOW - 50_000;
  assert.deepEqual(clock.stamp(), { at: NOW + 2, clock: 1 });
});

test('a clock that was right and jumps is known to be wrong, and to be right once it is back', () => {
  let [nowMs, monotonicMs] = [NOW, 0];
  const clock = createDeviceClock({ nowMs: () => nowMs, monotonicMs: () => monotonicMs }, { at: NOW - 5 });
  clock.compare(NOW + 10);
  [nowMs, monotonicMs] = [NOW + HOUR, HOUR];
  assert.deepEqual(clock.stamp(), { at: NOW + HOUR });
  // The battery of its clock is empty: 2099.
  [nowMs, monotonicMs] = [Date.UTC(2099, 0, 1), HOUR + 1000];
  assert.deepEqual(clock.stamp(), { at: Date.UTC(2099, 0, 1), clock: 1 });
  [nowMs, monotonicMs] = [NOW + HOUR + 2000, HOUR + 2000];
  assert.deepEqual(clock.stamp(), { at: NOW + HOUR + 2000, clock: 2 });
  [nowMs, monotonicMs] = [NOW + HOUR + 3000, HOUR + 3000];
  assert.deepEqual(clock.stamp(), { at: NOW + HOUR + 3000 });
});

test('a clock that goes on from an outbox does not fall behind what that has captured', () => {
  const clock = createDeviceClock({ nowMs: () => NOW, monotonicMs: () => 0 }, { at: NOW + HOUR });
  assert.deepEqual(clock.stamp(), { at: NOW + HOUR, clock: 1 });
});

test('blocks are sealed with times that do not fall behind the log, and a stretch begins where its last time is not known', () => {
  const captured = [5, 3, 9].map((at) => ({ content, meta: { at } }));
  const times = (beforeAtMs: number | null) =>
    stampBlocks(captured, { beforeAtMs, after: null }).map(({ meta }) => [meta.at, meta.clock ?? 0]);
  assert.deepEqual(times(0), [
    [5, 0],
    [5, 1],
    [9, 0],
  ]);
  assert.deepEqual(times(7), [
    [7, 1],
    [7, 1],
    [9, 0],
  ]);
  assert.deepEqual(times(null), [
    [5, 2],
    [5, 1],
    [9, 0],
  ]);
});

test('a block is known again however its time was sealed, and no other is taken for it', () => {
  const captured = { at: 5, name: 'a', type: 'text/plain' };
  const after = new Uint8Array(32);
  for (const sealed of [
    { at: 5, after },
    { at: 7, clock: 1 as const },
    { at: 5, clock: 2 as const, after },
  ]) {
    assert.ok(isSealedAs(captured, { name: 'a', type: 'text/plain', ...sealed }), JSON.stringify(sealed));
  }
  for (const other of [{ at: 7 }, { at: 4, clock: 1 as const }, { at: 5, name: 'b' }, { at: 5, time: 1 }]) {
    assert.equal(isSealedAs(captured, { name: 'a', type: 'text/plain', ...other }), false, JSON.stringify(other));
  }
});

test('a meta without room for the chain block is sealed without it; names that leave no room are refused before', () => {
  const after = new Uint8Array(32);
  const longest = { at: NOW, name: 'n'.repeat(MAX_META_BYTES - 40) };
  const [sealed] = stampBlocks([{ content, meta: longest }], { beforeAtMs: 0, after });
  assert.equal(sealed?.meta.after, undefined);
  assert.ok(encodeMeta(sealed?.meta ?? longest).length <= MAX_META_BYTES);
  assert.throws(() => requireSealable(longest));
  const fits = { at: 0, name: 'n'.repeat(400) };
  requireSealable(fits);
  const [named] = stampBlocks([{ content, meta: fits }], { beforeAtMs: Number.MAX_SAFE_INTEGER, after });
  assert.deepEqual([named?.meta.clock, named?.meta.after], [1, after]);
});

async function setUp(context: TestContext) {
  const folder = temporaryFolder(context);
  const writer = newWriter();
  const remote = await startRemote(writer);
  context.after(() => remote.close());
  return { folder, writer, remote, outboxPath: join(folder, 'o') };
}

test('blocks of an old copy, captured before what the log has since, do not fall behind it', async (context) => {
  const { folder, writer, remote, outboxPath } = await setUp(context);
  const at = (nowMs: number) => createDeviceClock({ nowMs: () => nowMs, monotonicMs: () => 0 });
  remote.serviceDown = true;
  remote.chainDown = true;
  const early = pushSource();
  const first = startDevice({ remote, writer, outboxPath, source: early, clock: at(NOW) });
  await early.line('early\n');
  await first.stop();
  copyOutbox(outboxPath, join(folder, 'copy'));
  for (const ending of ['', '-wal', '-shm', '-mark']) rmSync(`${outboxPath}${ending}`, { force: true });
  remote.serviceDown = false;
  remote.chainDown = false;
  const late = pushSource();
  const second = startDevice({ remote, writer, outboxPath, source: late, clock: at(NOW + HOUR) }, { untilIdle: true });
  await late.line('late\n');
  late.end();
  assert.equal(await second.ended, true);

  const again = pushSource();
  const third = startDevice(
    { remote, writer, outboxPath: join(folder, 'copy'), source: again, clock: at(NOW + 2 * HOUR) },
    { untilIdle: true },
  );
  await again.line('now\n');
  again.end();
  assert.equal(await third.ended, true);
  const blocks = restore(remote, writer);
  assert.equal(restoreStream(blocks).toString(), 'late\nearly\nnow\n');
  assert.deepEqual(
    blocks.map(({ meta }) => [meta.at - NOW, meta.clock ?? 0]),
    [
      [HOUR, 0],
      [HOUR, 1],
      [2 * HOUR, 0],
    ],
  );
});

test('a new device, whose clock may differ, begins a new stretch', async (context) => {
  const { folder, writer, remote, outboxPath } = await setUp(context);
  const run = async (device: typeof writer, path: string, nowMs: number) => {
    const source = pushSource();
    const clock = createDeviceClock({ nowMs: () => nowMs, monotonicMs: () => 0 });
    const running = startDevice({ remote, writer: device, outboxPath: path, source, clock }, { untilIdle: true });
    await source.line(`${nowMs}\n`);
    source.end();
    assert.equal(await running.ended, true);
  };
  await run(writer, outboxPath, NOW);
  const successor = successorOf(writer, 1);
  remote.charterOnChain(successor.charter);
  await run(successor, join(folder, 'new'), NOW - HOUR);
  await run(successor, join(folder, 'new'), NOW - HOUR + 1);
  const metas = restore(remote, writer, successor).map(({ meta }) => meta);
  assert.deepEqual(
    metas.map(({ clock }) => clock ?? 0),
    [0, 2, 0],
  );
  assert.equal(fallingClock(null, metas), -1);
});

test('`after` names the final chain block of the last comparison, and is left out where the chain could not be read', async (context) => {
  const { writer, remote, outboxPath } = await setUp(context);
  const source = pushSource();
  const device = startDevice({ remote, writer, outboxPath, source });
  await source.line('with\n');
  await device.event('checked');
  remote.chainDown = true;
  // Older comparisons name what was final then.
  await device.event('retry', ({ step }) => step === 'follow');
  await device.stop();
  const second = pushSource();
  const blind = startDevice({ remote, writer, outboxPath, source: second });
  await second.line('without\n');
  await blind.event('stored');
  await blind.stop();
  const [withIt, withoutIt] = restore(remote, writer).map(({ meta }) => meta.after);
  assert.deepEqual(withIt && Buffer.from(withIt), Buffer.from(nodePrimitives.sha256(u32(0))));
  assert.equal(withoutIt, undefined);
});
