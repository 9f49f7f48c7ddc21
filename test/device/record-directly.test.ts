import assert from 'node:assert/strict';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { createDeviceClock } from '../../device/clock.ts';
import type { DeviceOptions } from '../../device/device-options.ts';
import { newWriter, type RunningDevice, startDevice, temporaryFolder } from './fixture.ts';
import { memoryTransfer } from './memory-transfer.ts';
import { type PushSource, pushSource } from './push-source.ts';
import { startRemote } from './remote.ts';
import { VirtualRuntime } from './virtual-runtime.ts';

/* A device that records by itself, on a chain that drops, reorganises and does not mine. */

const OPTIONS: Partial<DeviceOptions> = {
  ...{ backoff: { firstMs: 500, mostMs: 30_000 }, followEveryMs: 2000, compareEveryMs: 10_000 },
  ...{ recordEveryMs: 10_000, replaceAfterMs: 60_000 },
};

async function setUp(context: TestContext) {
  const runtime = new VirtualRuntime(Date.UTC(2026, 0, 1));
  const writer = newWriter();
  const remote = await startRemote(writer);
  remote.relaying = false;
  context.after(() => remote.close());
  const outboxPath = join(temporaryFolder(context), 'o');
  const start = (): { device: RunningDevice; source: PushSource } => {
    const source = pushSource();
    const parts = { remote, writer, outboxPath, source, runtime, direct: true };
    const transfer = memoryTransfer(runtime, remote, 20);
    return { source, device: startDevice({ ...parts, transfer, clock: createDeviceClock(runtime) }, OPTIONS) };
  };
  return { runtime, remote, start };
}

const sizesSent = ({ events }: RunningDevice): number[] =>
  events.flatMap((event) => (event.event === 'sent' ? [event.blocks] : []));
const checked = ({ events }: RunningDevice): number =>
  events.reduce((sum, event) => sum + (event.event === 'checked' ? event.blocks : 0), 0);

test('two transactions mined, a reorganisation drops the first and keeps the second: it is sent again, over a restart too', async (context) => {
  for (const restarts of [false, true]) {
    const { runtime, remote, start } = await setUp(context);
    remote.finalLag = 40;
    let { device, source } = start();
    for (const text of ['one\n', 'two\n']) {
      await runtime.until(source.line(text));
      await runtime.pass(30_000);
    }
    assert.equal(remote.latestHead().size, 2);
    remote.reorganise(0);
    assert.deepEqual([remote.latestHead().size, remote.poolNonces()], [0, [1]]);
    if (restarts) {
      await runtime.until(device.stop());
      ({ device, source } = start());
    }
    await runtime.pass(30_000);
    assert.equal(remote.latestHead().size, 2, 'both are on the chain again');
    remote.finalLag = 0;
    await runtime.pass(60_000);
    assert.equal(checked(device), 2);
    await runtime.until(device.stop());
  }
});

test('of three transactions the second is dropped, the first being final: all blocks are recorded again', async (context) => {
  const { runtime, remote, start } = await setUp(context);
  const { device, source } = start();
  await runtime.until(source.line('one\n'));
  await runtime.pass(60_000);
  // It was final, as this device saw it.
  assert.equal(checked(device), 1);
  remote.finalLag = 40;
  await runtime.until(source.line('two\n'));
  await runtime.pass(30_000);
  await runtime.until(source.line('three\n'));
  await runtime.pass(30_000);
  assert.deepEqual(sizesSent(device), [1, 2, 3]);
  remote.reorganise(1);
  await runtime.pass(90_000);
  assert.equal(remote.latestHead().size, 3);
  await runtime.until(device.stop());
});

test('what was sent and is pending when the process ends is found again by its nonce, and replaced where no block takes it', async (context) => {
  const { runtime, remote, start } = await setUp(context);
  remote.mining = false;
  const first = start();
  await runtime.until(first.source.line('one\n'));
  await runtime.pass(30_000);
  assert.deepEqual([sizesSent(first.device), remote.poolNonces()], [[1], [0]]);
  await runtime.until(first.device.stop());
  const second = start();
  await runtime.until(second.source.line('two\n'));
  await runtime.pass(59_000);
  assert.deepEqual(sizesSent(second.device), []);
  await runtime.pass(10_000);
  // One signature for what has come since, at the same nonce, for more.
  assert.deepEqual([sizesSent(second.device), remote.poolNonces()], [[2], [0]]);
  remote.mining = true;
  remote.mine();
  await runtime.pass(60_000);
  assert.equal(checked(second.device), 2);
  await runtime.until(second.device.stop());
});
