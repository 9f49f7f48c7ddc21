import assert from 'node:assert/strict';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { createDeviceClock } from '../../device/clock.ts';
import { type DirectoryOptions, watchDirectory } from '../../device/sources/watch-directory.ts';
import { FAST, newWriter, type RunningDevice, restore, restoreFiles, startDevice, temporaryFolder } from './fixture.ts';
import { MemoryDirectories } from './memory-directories.ts';
import { memoryTransfer } from './memory-transfer.ts';
import { startRemote } from './remote.ts';
import { VirtualRuntime } from './virtual-runtime.ts';

/* The whole device on a clock of the test's: time, directory and transfers are in memory, the outbox is on the disk. */

const START_MS = Date.UTC(2026, 0, 1);
const HOUR_MS = 3_600_000;
const HOURS = 2;
const ROOT = '/readings';

async function setUp(context: TestContext, seed = 1) {
  const runtime = new VirtualRuntime(START_MS, seed);
  const directories = new MemoryDirectories(() => runtime.nowMs());
  directories.makeDirectory(ROOT);
  const writer = newWriter();
  const remote = await startRemote(writer);
  context.after(() => remote.close());
  const outboxPath = join(temporaryFolder(context), 'o');
  const start = (options: { readonly settleMs: number } & Partial<DirectoryOptions>): RunningDevice =>
    startDevice(
      {
        ...{ remote, writer, outboxPath, runtime, transfer: memoryTransfer(runtime, remote, 20) },
        clock: createDeviceClock(runtime),
        source: watchDirectory(directories, ROOT, {
          ...{ blockBytes: 100, scanEveryMs: 1000, deleteAfterChecked: false, keepOut: [] },
          ...options,
        }),
      },
      { ...FAST, backoff: { firstMs: 500, mostMs: 30_000 }, followEveryMs: 2000, compareEveryMs: 10_000 },
    );
  const files = () =>
    Object.fromEntries([...restoreFiles(restore(remote, writer))].map(([name, all]) => [name, all.map(String)]));
  return { runtime, directories, remote, start, files };
}

test('a file that grows for hours is captured when it has rested as long as it must, not a scan earlier', async (context) => {
  const { runtime, directories, start, files } = await setUp(context);
  const device = start({ settleMs: 10_000 });
  const path = `${ROOT}/below/growing.csv`;
  let text = '';
  for (let line = 0; line < 1000; line++) {
    text += `${line}\n`;
    directories.write(path, text);
    await runtime.pass(7_000);
  }
  const captured = () => device.events.filter(({ event }) => event === 'captured').length;
  assert.equal(captured(), 0, 'it never rested');
  await runtime.pass(2_999);
  assert.equal(captured(), 0, 'nor for ten seconds now');
  await runtime.pass(2_001);
  assert.equal(captured(), 1);
  await runtime.pass(5_000);
  assert.deepEqual(files(), { 'below/growing.csv': [text] });
  await runtime.until(device.stop());
});

test('two hours without the object store: capture goes on, nothing is lost, and files go when they are proven', async (context) => {
  const { runtime, directories, remote, start, files } = await setUp(context);
  remote.storeDown = true;
  const device = start({ settleMs: 2000, deleteAfterChecked: true, scanEveryMs: 10_000 });
  for (let hour = 0; hour < HOURS; hour++) {
    directories.write(`${ROOT}/${hour}.csv`, `hour ${hour}\n`.repeat(20));
    await runtime.pass(HOUR_MS);
  }
  assert.equal(runtime.nowMs(), START_MS + HOURS * HOUR_MS);
  assert.equal(device.events.filter(({ event }) => event === 'stored').length, 0);
  const pauses = device.events.flatMap((event) =>
    event.event === 'retry' && event.step === 'upload' ? [event.inMs] : [],
  );
  assert.ok(pauses.length > 500, `${pauses.length} attempts`);
  assert.ok(pauses.every((ms) => ms >= 250 && ms <= 30_000));
  remote.storeDown = false;
  await runtime.pass(60_000);
  const expected = Array.from({ length: HOURS }, (_, hour) => [`${hour}.csv`, [`hour ${hour}\n`.repeat(20)]]);
  assert.deepEqual(files(), Object.fromEntries(expected));
  assert.deepEqual(
    Array.from({ length: HOURS }, (_, hour) => directories.has(`${ROOT}/${hour}.csv`)),
    Array.from({ length: HOURS }, () => false),
  );
  assert.equal(await runtime.until(device.stop()), true);
});

test('the same seed gives the same run, to the millisecond', async (context) => {
  const run = async (seed: number) => {
    const { runtime, directories, remote, start } = await setUp(context, seed);
    const device = start({ settleMs: 2000 });
    const seen: string[] = [];
    let known = 0;
    for (let step = 0; step < 120; step++) {
      if (step % 10 === 0) directories.write(`${ROOT}/${step}`, `${step}`);
      remote.storeDown = step % 40 > 20;
      remote.chainDown = step % 60 > 40;
      await runtime.pass(1000);
      for (const { event, ...rest } of device.events.slice(known)) {
        seen.push(`${runtime.nowMs() - START_MS} ${event} ${'inMs' in rest ? rest.inMs : ''}`);
      }
      known = device.events.length;
    }
    await runtime.until(device.stop());
    return seen;
  };
  const first = await run(7);
  assert.ok(first.length > 50);
  assert.deepEqual(await run(7), first);
  assert.notDeepEqual(await run(8), first);
});
