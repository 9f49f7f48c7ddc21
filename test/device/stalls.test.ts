import assert from 'node:assert/strict';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { createDeviceClock } from '../../device/clock.ts';
import { openOutboxReadOnly } from '../../device/outbox/open-outbox.ts';
import { readStatus } from '../../device/outbox/read-status.ts';
import {
  FAST,
  newWriter,
  type RunningDevice,
  restore,
  restoreStream,
  startDevice,
  temporaryFolder,
} from './fixture.ts';
import { memoryTransfer } from './memory-transfer.ts';
import { type PushSource, pushSource } from './push-source.ts';
import { type Remote, startRemote } from './remote.ts';
import { VirtualRuntime } from './virtual-runtime.ts';

/* Whatever the world does for an hour: it is said, and once it is well again all is checked in bounded time. */

const MINUTE_MS = 60_000;
/** What the specification promises beyond the time that the chain takes. */
const BOUND_MS = 12 * MINUTE_MS;

async function setUp(context: TestContext, direct = false) {
  const runtime = new VirtualRuntime(Date.UTC(2026, 0, 1));
  const writer = newWriter();
  const remote = await startRemote(writer);
  remote.relaying = !direct;
  context.after(() => remote.close());
  const outboxPath = join(temporaryFolder(context), 'o');
  const start = (): { device: RunningDevice; source: PushSource } => {
    const source = pushSource();
    const transfer = memoryTransfer(runtime, remote, 20);
    const parts = { remote, writer, outboxPath, source, runtime, transfer, clock: createDeviceClock(runtime), direct };
    const options = {
      ...FAST,
      backoff: { firstMs: 500, mostMs: 30_000 },
      followEveryMs: 30_000,
      compareEveryMs: 60_000,
    };
    return { source, device: startDevice(parts, { ...options, recordEveryMs: 10_000, replaceAfterMs: MINUTE_MS }) };
  };
  const status = () => {
    const look = openOutboxReadOnly(outboxPath);
    const read = readStatus(look, runtime.nowMs());
    look.close();
    return read;
  };
  return { runtime, remote, writer, start, status };
}

/** What goes wrong, how it is mended, and what a person is told meanwhile. */
const FAULTS: Record<
  string,
  { set: (remote: Remote, on: boolean) => void; waits: string | null; direct?: boolean; event?: string }
> = {
  'a proxy answers uploads with 200 and stores nothing': {
    set: (remote, on) => {
      remote.lying = on;
    },
    waits: 'upload check-in',
    event: 'missing',
  },
  'the same for a device that records by itself': {
    set: (remote, on) => {
      remote.lying = on;
    },
    waits: 'proof',
    direct: true,
  },
  'the events of the store are lost': {
    set: (remote, on) => {
      remote.deaf = on;
    },
    waits: null,
  },
  'the relayer stands still': {
    set: (remote, on) => {
      remote.relaying = !on;
      if (!on) remote.relay();
    },
    waits: 'record',
  },
  'the chain stops finalising': {
    set: (remote, on) => {
      remote.finalLag = on ? Number.POSITIVE_INFINITY : 0;
    },
    waits: 'finality',
  },
  'the chain is away': {
    set: (remote, on) => {
      remote.chainDown = on;
      if (!on) remote.relay();
    },
    waits: 'check-in record finality',
  },
  'the store is away': {
    set: (remote, on) => {
      remote.storeDown = on;
    },
    waits: 'upload',
  },
  'service and chain are away': {
    set: (remote, on) => {
      remote.serviceDown = on;
      remote.chainDown = on;
    },
    waits: 'sealing',
  },
};

for (const [what, fault] of Object.entries(FAULTS)) {
  for (const restarts of [false, true]) {
    test(`${what} for more than an hour${restarts ? ', and the device is started anew' : ''}: it is said, then all is checked within twelve minutes`, async (context) => {
      const { runtime, remote, writer, start, status } = await setUp(context, fault.direct);
      let { device, source } = start();
      await runtime.until(source.line('before\n'));
      await runtime.pass(MINUTE_MS);
      fault.set(remote, true);
      const lines = Array.from({ length: 12 }, (_, n) => `line ${n}\n`);
      for (const line of lines) {
        await runtime.until(source.line(line));
        await runtime.pass(6 * MINUTE_MS);
      }
      if (fault.waits !== null) {
        const waits = status().waits.filter(({ overdue }) => overdue);
        assert.ok(
          waits.some((wait) => fault.waits?.split(' ').includes(wait.for)),
          JSON.stringify(status().waits),
        );
        assert.ok(device.events.some((event) => event.event === 'waiting'));
      }
      if (fault.event !== undefined) assert.ok(device.events.some(({ event }) => event === fault.event));
      if (restarts) {
        await runtime.until(device.stop());
        ({ device, source } = start());
        await runtime.pass(MINUTE_MS);
      }
      fault.set(remote, false);
      await runtime.pass(BOUND_MS);
      assert.deepEqual(status().waits, []);
      assert.equal(status().states.checked.blocks, 1 + lines.length);
      assert.equal(restoreStream(restore(remote, writer)).toString(), ['before\n', ...lines].join(''));
      assert.equal(await runtime.until(device.stop()), true);
    });
  }
}

test('a proxy swallows every third of 60 uploads: all holes are found within twelve minutes', async (context) => {
  const { runtime, remote, start, status } = await setUp(context);
  const { device, source } = start();
  for (let n = 0; n < 60; n++) {
    remote.lying = n % 3 === 1;
    await runtime.until(source.line(`line ${n}\n`));
    await runtime.pass(2000);
  }
  remote.lying = false;
  await runtime.pass(BOUND_MS);
  assert.deepEqual([status().waits, status().states.checked.blocks], [[], 60]);
  await runtime.until(device.stop());
});

test('the very first batch was swallowed, and later ones are there: it is missed and uploaded again', async (context) => {
  const { runtime, remote, writer, start, status } = await setUp(context);
  const { device, source } = start();
  remote.lying = true;
  const lines = ['the first\n', 'the second\n'];
  for (const [number, line] of lines.entries()) {
    await runtime.until(source.line(line));
    await runtime.pass(5_000);
    assert.equal(device.events.filter(({ event }) => event === 'stored').length, number + 1);
    remote.lying = false;
  }
  await runtime.pass(BOUND_MS);
  assert.ok(device.events.some((event) => event.event === 'missing' && event.first === 0));
  assert.deepEqual(status().waits, []);
  assert.equal(restoreStream(restore(remote, writer)).toString(), lines.join(''));
  await runtime.until(device.stop());
});
