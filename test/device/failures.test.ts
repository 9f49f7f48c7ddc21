import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { createDeviceClock } from '../../device/clock.ts';
import { openOutboxReadOnly } from '../../device/outbox/open-outbox.ts';
import { readStatus } from '../../device/outbox/read-status.ts';
import { newWriter, restore, restoreStream, startDevice, temporaryFolder } from './fixture.ts';
import { pushSource } from './push-source.ts';
import { type Remote, startRemote } from './remote.ts';

async function setUp(context: TestContext) {
  const folder = temporaryFolder(context);
  const writer = newWriter();
  const remote = await startRemote(writer);
  context.after(() => remote.close());
  return { writer, remote, outboxPath: join(folder, 'o') };
}

function statusOf(outboxPath: string) {
  const outbox = openOutboxReadOnly(outboxPath);
  try {
    return readStatus(outbox, Date.now());
  } finally {
    outbox.close();
  }
}

const DOWN: Record<string, (remote: Remote, down: boolean) => void> = {
  'the service': (remote, down) => {
    remote.serviceDown = down;
  },
  'the chain': (remote, down) => {
    remote.chainDown = down;
  },
  'the object store': (remote, down) => {
    remote.storeDown = down;
  },
  'service and chain': (remote, down) => {
    remote.serviceDown = down;
    remote.chainDown = down;
  },
};

for (const [what, set] of Object.entries(DOWN)) {
  test(`while ${what} cannot be reached capture goes on, and the backlog drains by itself`, async (context) => {
    const { writer, remote, outboxPath } = await setUp(context);
    const source = pushSource();
    const device = startDevice({ remote, writer, outboxPath, source }, { untilIdle: true });
    await source.line('before\n');
    await device.event('checked');
    set(remote, true);
    const lines = Array.from({ length: 40 }, (_, i) => `line ${i}\n`);
    for (const line of lines) await source.line(line);
    await device.event('retry');
    const status = statusOf(outboxPath);
    assert.equal(status.captured.blocks, 41);
    assert.ok(status.failures.length > 0);
    assert.ok(device.events.every((event) => event.event !== 'stopped'));
    set(remote, false);
    source.end();
    assert.equal(await device.ended, true);
    assert.equal(restoreStream(restore(remote, writer)).toString(), ['before\n', ...lines].join(''));
    assert.deepEqual(statusOf(outboxPath).failures, []);
  });
}

test('with neither service nor chain nothing is sealed; with one of them it is', async (context) => {
  const { writer, remote, outboxPath } = await setUp(context);
  remote.serviceDown = true;
  remote.chainDown = true;
  const source = pushSource();
  const device = startDevice({ remote, writer, outboxPath, source });
  await source.line('one\n');
  // Several batch ages later.
  await device.event(
    'retry',
    () => device.events.filter((event) => event.event === 'retry' && event.step === 'compare').length > 4,
  );
  assert.equal(statusOf(outboxPath).unsealed.blocks, 1);
  remote.chainDown = false;
  await device.event('sealed');
  await device.stop();
  assert.equal(statusOf(outboxPath).states.sealed.blocks, 1);
});

test('bytes stay on the device until the storage has proven every block, and are sent again when it lost them', async (context) => {
  const { writer, remote, outboxPath } = await setUp(context);
  remote.finalLag = Number.POSITIVE_INFINITY;
  const source = pushSource();
  const device = startDevice({ remote, writer, outboxPath, source }, { untilIdle: true });
  await source.line('kept\n');
  await device.event('recorded');
  remote.lose(0);
  remote.finalLag = 0;
  await device.event('retry', ({ step, reason }) => step === 'check' && /did not prove block 0/.test(reason));
  source.end();
  assert.equal(await device.ended, true);
  assert.equal(restoreStream(restore(remote, writer)).toString(), 'kept\n');
});

test('a batch whose record a reorganisation took away is shown as stored again', async (context) => {
  const { writer, remote, outboxPath } = await setUp(context);
  remote.finalLag = 1;
  const source = pushSource();
  const device = startDevice({ remote, writer, outboxPath, source });
  await source.line('one\n');
  await device.event('recorded');
  assert.equal(statusOf(outboxPath).states.recorded.batches, 1);
  remote.chain.pop();
  while (statusOf(outboxPath).states.stored.batches !== 1) await new Promise((resolve) => setTimeout(resolve, 5));
  await device.stop();
});

test('a record that a reorganisation took away is a stored batch again, and comes back', async (context) => {
  const { writer, remote, outboxPath } = await setUp(context);
  remote.finalLag = 1;
  remote.relaying = false;
  const source = pushSource();
  const device = startDevice({ remote, writer, outboxPath, source, direct: true }, { untilIdle: true });
  await source.line('one\n');
  await device.event('recorded');
  remote.chain.pop();
  await device.event('sent', () => device.events.filter(({ event }) => event === 'sent').length === 2);
  remote.finalLag = 0;
  source.end();
  assert.equal(await device.ended, true);
});

test('a clock that was never set, or that differs from the service, marks blocks and stops nothing', async (context) => {
  const { writer, remote, outboxPath } = await setUp(context);
  const clocks = [() => -5000, () => Date.UTC(1999, 0, 1), () => Number.NaN, () => Date.now() - 3_600_000];
  for (const nowMs of clocks) {
    const source = pushSource();
    const device = startDevice(
      { remote, writer, outboxPath, source, clock: createDeviceClock({ nowMs, monotonicMs: () => performance.now() }) },
      { untilIdle: true },
    );
    await source.line('first\n');
    await device.event('stored');
    await source.line('second\n');
    source.end();
    assert.equal(await device.ended, true);
  }
  const marks = restore(remote, writer).map(({ meta }) => meta.clock ?? 0);
  // The last clock looks sound until the first upload tells the service's time.
  assert.deepEqual(marks, [1, 1, 1, 1, 1, 1, 0, 1]);
  assert.ok(restore(remote, writer).every(({ meta }) => meta.at >= 0));
});

test('stopping keeps what was captured and ends within seconds, whatever is down', async (context) => {
  const { writer, remote, outboxPath } = await setUp(context);
  const source = pushSource();
  const device = startDevice(
    { remote, writer, outboxPath, source },
    { batch: { maxBlocks: 1000, maxBytes: 1e6, maxAgeMs: 60_000 } },
  );
  await source.line('one\n');
  remote.serviceDown = true;
  const begin = performance.now();
  assert.equal(await device.stop(), false);
  assert.ok(performance.now() - begin < 3000);
  assert.equal(statusOf(outboxPath).unsealed.blocks, 1);
  assert.ok(existsSync(outboxPath));
});
