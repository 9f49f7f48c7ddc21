import assert from 'node:assert/strict';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { openOutboxReadOnly } from '../../device/outbox/open-outbox.ts';
import { readUnsealed } from '../../device/outbox/read-backlog.ts';
import {
  accountOf,
  copyOutbox,
  newWriter,
  type RunningDevice,
  restore,
  restoreStream,
  startDevice,
  successorOf,
  type TestWriter,
  temporaryFolder,
} from './fixture.ts';
import { pushSource } from './push-source.ts';
import { type Remote, startRemote } from './remote.ts';

/*
 * A thief with device.json records blocks that nobody has. Nothing ends by it: neither the device nor its replacement is held
 * for ever, everything that was captured is recorded, and the log goes on behind the junk.
 */

async function setUp(context: TestContext) {
  const folder = temporaryFolder(context);
  const writer = newWriter();
  const remote = await startRemote(writer);
  context.after(() => remote.close());
  return { folder, writer, remote, outboxPath: join(folder, 'o') };
}

/** Captures lines until all of them are final and checked. */
async function runDevice(
  parts: {
    readonly remote: Remote;
    readonly writer: TestWriter;
    readonly outboxPath: string;
    readonly direct?: boolean;
  },
  lines: readonly string[],
): Promise<RunningDevice> {
  const source = pushSource();
  const device = startDevice({ ...parts, source }, { untilIdle: true });
  for (const line of lines) await source.line(line);
  source.end();
  assert.equal(await device.ended, true);
  return device;
}

for (const direct of [false, true]) {
  const how = direct ? 'records by itself' : 'is recorded by the service';
  test(`a device that ${how} goes on behind a junk record, however much that claims`, async (context) => {
    const { writer, remote, outboxPath } = await setUp(context);
    remote.relaying = !direct;
    const parts = { remote, writer, outboxPath, direct };
    await runDevice(parts, ['one\n', 'two\n']);
    const before = remote.latestHead().size;
    remote.recordJunk(writer, 3);
    remote.recordJunk(writer, 2 ** 28);
    const device = await runDevice(parts, ['three\n']);
    assert.equal((await device.event('adopted')).blocks, 3 + 2 ** 28);
    assert.equal((await device.event('sealed')).first, before + 3 + 2 ** 28);
    assert.equal(restoreStream(restore(remote, writer)).toString(), 'one\ntwo\nthree\n');
    assert.equal(remote.latestHead().size, before + 3 + 2 ** 28 + 1);
  });
}

test('what was stored where the junk was recorded is sealed again behind it, and everything before stays', async (context) => {
  const { writer, remote, outboxPath } = await setUp(context);
  await runDevice({ remote, writer, outboxPath }, ['one\n']);
  const kept = remote.latestHead().size;
  remote.relaying = false;
  const source = pushSource();
  const device = startDevice({ remote, writer, outboxPath, source }, { untilIdle: true });
  await source.line('two\n');
  await device.event('stored');
  // The thief is faster: other blocks are recorded in their place.
  remote.finalLag = 1;
  remote.recordJunk(writer, 2);
  await device.event('held', ({ reason }) => /chain is ahead/.test(reason));
  remote.relaying = true;
  remote.finalLag = 0;
  assert.deepEqual(await device.event('resealed'), { event: 'resealed', from: kept, blocks: 1 });
  source.end();
  assert.equal(await device.ended, true);
  assert.equal(restoreStream(restore(remote, writer)).toString(), 'one\ntwo\n');
  assert.deepEqual(
    restore(remote, writer).map(({ index }) => index),
    [0, kept + 2],
  );
});

for (const direct of [false, true]) {
  test(`a replacement goes on behind a junk record that was made before it${direct ? ', recording by itself' : ''}`, async (context) => {
    const { folder, writer, remote, outboxPath } = await setUp(context);
    await runDevice({ remote, writer, outboxPath }, ['one\n', 'two\n']);
    const stored = remote.latestHead().size;
    remote.recordJunk(writer, 5);
    const successor = successorOf(writer, stored);
    remote.charterOnChain(successor.charter);
    remote.relaying = !direct;
    const parts = { remote, writer: successor, outboxPath: join(folder, 'new'), direct };
    const device = await runDevice(parts, ['three\n']);
    assert.equal((await device.event('adopted')).blocks, stored + 5);
    assert.equal(restoreStream(restore(remote, writer, successor)).toString(), 'one\ntwo\nthree\n');
    assert.equal(remote.latestHead().signer, accountOf(successor));
    // The thief's key is worth nothing any more.
    assert.throws(() => remote.recordJunk(writer, 1), /does not take/);
  });
}

test('junk that is recorded after the replacement has begun, by its own stolen key, does not end it either', async (context) => {
  const { folder, writer, remote, outboxPath } = await setUp(context);
  await runDevice({ remote, writer, outboxPath }, ['one\n']);
  const successor = successorOf(writer, 1);
  remote.charterOnChain(successor.charter);
  const parts = { remote, writer: successor, outboxPath: join(folder, 'new') };
  await runDevice(parts, ['two\n']);
  remote.recordJunk(successor, 2 ** 20);
  await runDevice(parts, ['three\n']);
  remote.recordJunk(successor, 1);
  await runDevice(parts, ['four\n']);
  assert.equal(restoreStream(restore(remote, writer, successor)).toString(), 'one\ntwo\nthree\nfour\n');
});

test('a copy of the outbox from before the junk takes what is stored, passes the junk, and seals nothing twice', async (context) => {
  const { folder, writer, remote, outboxPath } = await setUp(context);
  remote.serviceDown = true;
  remote.chainDown = true;
  const source = pushSource();
  const first = startDevice({ remote, writer, outboxPath, source });
  await source.line('one\n');
  await first.stop();
  const copy = join(folder, 'copy');
  copyOutbox(outboxPath, copy);
  remote.serviceDown = false;
  remote.chainDown = false;
  await runDevice({ remote, writer, outboxPath }, ['two\n']);
  remote.recordJunk(writer, 7);
  await runDevice({ remote, writer, outboxPath }, ['three\n']);

  const restored = await runDevice({ remote, writer, outboxPath: copy }, ['four\n']);
  assert.equal((await restored.event('adopted')).known, 1, 'its own line was found in what is stored');
  assert.equal(restoreStream(restore(remote, writer)).toString(), 'one\ntwo\nthree\nfour\n');
  const outbox = openOutboxReadOnly(copy);
  assert.equal(readUnsealed(outbox).blocks, 0);
  outbox.close();
});
