import assert from 'node:assert/strict';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { nodePrimitives } from '../../adapters/crypto/node-primitives.ts';
import { nodeDirectories } from '../../adapters/files/node-directories.ts';
import { sealBatch } from '../../core/batch/seal-batch.ts';
import { EMPTY_PEAKS } from '../../core/log/peaks.ts';
import { openOutboxReadOnly } from '../../device/outbox/open-outbox.ts';
import { watchDirectory } from '../../device/sources/watch-directory.ts';
import {
  accountOf,
  copyOutbox,
  newWriter,
  restore,
  restoreFiles,
  restoreStream,
  startDevice,
  successorOf,
  type TestWriter,
  temporaryFolder,
} from './fixture.ts';
import { pushSource } from './push-source.ts';
import { type Remote, startRemote } from './remote.ts';

async function setUp(context: TestContext) {
  const folder = temporaryFolder(context);
  const writer = newWriter();
  const remote = await startRemote(writer);
  context.after(() => remote.close());
  return { folder, writer, remote, outboxPath: join(folder, 'o') };
}

/** A device's life: these lines are stored, each in a batch of its own, and it stops. */
async function runOld(remote: Remote, writer: TestWriter, outboxPath: string, lines: readonly string[]) {
  const source = pushSource();
  const device = startDevice({ remote, writer, outboxPath, source });
  for (const [at, line] of lines.entries()) {
    await source.line(line);
    await device.event('stored', ({ first }) => first === at);
  }
  if (lines.length === 0) while (remote.charter === null) await new Promise((resolve) => setTimeout(resolve, 5));
  await device.stop();
  return device;
}

test('an old copy of the outbox, put back, is noticed: stored batches are adopted and nothing is sealed twice', async (context) => {
  const { folder, writer, remote, outboxPath } = await setUp(context);
  // Two lines are captured and the chain and service are down, so they stay unsealed; then the copy is made.
  remote.serviceDown = true;
  remote.chainDown = true;
  const first = pushSource();
  const before = startDevice({ remote, writer, outboxPath, source: first });
  await first.line('one\n');
  await first.line('two\n');
  await before.stop();
  copyOutbox(outboxPath, join(folder, 'copy'));

  // Life goes on: they are recorded, together with two more.
  remote.serviceDown = false;
  remote.chainDown = false;
  const second = pushSource();
  const during = startDevice({ remote, writer, outboxPath, source: second }, { untilIdle: true });
  await during.event('checked');
  await second.line('three\n');
  await second.line('four\n');
  second.end();
  assert.equal(await during.ended, true);

  copyOutbox(join(folder, 'copy'), outboxPath);
  const third = pushSource();
  const after = startDevice({ remote, writer, outboxPath, source: third }, { untilIdle: true });
  const adopted = await after.event('adopted');
  assert.equal(adopted.blocks, 4);
  assert.equal(adopted.known, 2, 'the two captured lines were found in what is stored');
  await third.line('five\n');
  third.end();
  assert.equal(await after.ended, true);
  assert.equal(restoreStream(restore(remote, writer)).toString(), 'one\ntwo\nthree\nfour\nfive\n');
  assert.equal(remote.objects.size, remote.log.length);
});

test('files captured after a copy was made are not captured again when it is put back, unless they changed', async (context) => {
  const { folder, writer, remote, outboxPath } = await setUp(context);
  const directory = join(folder, 'readings');
  mkdirSync(directory);
  const watch = { blockBytes: 100, scanEveryMs: 10, settleMs: 20, deleteAfterChecked: false, keepOut: [] };
  const run = async () => {
    const device = startDevice(
      { remote, writer, outboxPath, source: watchDirectory(nodeDirectories, directory, watch) },
      { untilIdle: true },
    );
    assert.equal(await device.ended, true);
    return device;
  };
  writeFileSync(join(directory, 'early'), 'early');
  await run();
  copyOutbox(outboxPath, join(folder, 'copy'));
  writeFileSync(join(directory, 'late'), 'late'.repeat(100));
  writeFileSync(join(directory, 'changed'), 'one');
  await run();
  copyOutbox(join(folder, 'copy'), outboxPath);
  writeFileSync(join(directory, 'changed'), 'two');
  const after = await run();
  assert.equal((await after.event('adopted')).known, 0);
  assert.deepEqual(
    Object.fromEntries(
      [...restoreFiles(restore(remote, writer))].map(([name, versions]) => [name, versions.map(String)]),
    ),
    { early: ['early'], late: ['late'.repeat(100)], changed: ['one', 'two'] },
  );
});

test('the writer of a stream is told where to go on when an old copy was put back', async (context) => {
  const { folder, writer, remote, outboxPath } = await setUp(context);
  const run = async (lines: readonly string[]) => {
    const source = pushSource();
    const device = startDevice({ remote, writer, outboxPath, source }, { untilIdle: true });
    for (const line of lines) await source.line(line);
    source.end();
    assert.equal(await device.ended, true);
    return device;
  };
  await run(['one\n']);
  copyOutbox(outboxPath, join(folder, 'copy'));
  await run(['two\n', 'three\n']);
  copyOutbox(join(folder, 'copy'), outboxPath);
  const after = await run([]);
  assert.equal((await after.event('adopted')).streamBytes, 'one\ntwo\nthree\n'.length);
});

test('a copy made when a batch was sealed, and not stored, seals the same bytes again', async (context) => {
  const { folder, writer, remote, outboxPath } = await setUp(context);
  remote.storeDown = true;
  const first = pushSource();
  const before = startDevice({ remote, writer, outboxPath, source: first });
  await first.line('one\n');
  await before.event('sealed');
  await before.stop();
  copyOutbox(outboxPath, join(folder, 'copy'));
  remote.storeDown = false;
  const second = pushSource();
  const during = startDevice({ remote, writer, outboxPath, source: second }, { untilIdle: true });
  second.end();
  assert.equal(await during.ended, true);
  copyOutbox(join(folder, 'copy'), outboxPath);
  const third = pushSource();
  const after = startDevice({ remote, writer, outboxPath, source: third }, { untilIdle: true });
  const stored = await after.event('stored');
  assert.equal(stored.again, true);
  third.end();
  assert.equal(await after.ended, true);
  assert.equal(remote.objects.size, 1);
});

test('a batch that the service has, not yet recorded, under the own signature is adopted while the chain is down', async (context) => {
  const { folder, writer, remote, outboxPath } = await setUp(context);
  remote.relaying = false;
  const first = pushSource();
  const before = startDevice({ remote, writer, outboxPath, source: first });
  await first.line('one\n');
  await before.event('stored');
  await before.stop();
  rmSync(outboxPath);
  for (const ending of ['-wal', '-shm']) rmSync(`${outboxPath}${ending}`, { force: true });
  remote.chainDown = true;
  const second = pushSource();
  const after = startDevice({ remote, writer, outboxPath: join(folder, 'new'), source: second });
  assert.equal((await after.event('adopted')).blocks, 1);
  await second.line('two\n');
  assert.equal((await after.event('sealed')).first, 1);
  await after.stop();
});

test('a batch that lost its place in the final log is sealed again behind it, under new indices and another nonce', async (context) => {
  const { writer, remote, outboxPath } = await setUp(context);
  remote.relaying = false;
  remote.storeDown = true;
  const source = pushSource();
  const device = startDevice({ remote, writer, outboxPath, source }, { untilIdle: true });
  await source.line('ours\n');
  await device.event('sealed');
  // Another holder of the same keys got its batch recorded first.
  const meta = { at: Date.now() };
  const rival = [{ content: new TextEncoder().encode('theirs\n'), meta }];
  remote.charterOnChain(writer.charter);
  const sealed = sealBatch(nodePrimitives, writer, EMPTY_PEAKS, rival, nodePrimitives.randomBytes(16));
  remote.finalLag = Number.POSITIVE_INFINITY;
  remote.relaying = true;
  remote.ingest(sealed.segment.car);
  await device.event('held', ({ reason }) => /other blocks in place/.test(reason));
  const outbox = openOutboxReadOnly(outboxPath);
  const drawn = () => outbox.sql('SELECT random16 FROM batches ORDER BY first DESC').get()?.random16 as Uint8Array;
  const before = drawn();
  assert.equal(
    device.events.some(({ event }) => event === 'resealed'),
    false,
    'not before it is final',
  );
  remote.finalLag = 0;
  remote.storeDown = false;
  assert.deepEqual(await device.event('resealed'), { event: 'resealed', from: 0, blocks: 1 });
  source.end();
  assert.equal(await device.ended, true);
  assert.equal(restoreStream(restore(remote, writer)).toString(), 'theirs\nours\n');
  assert.notDeepEqual(drawn(), before, 'the nonce is made of another random16');
  outbox.close();
});

test("a new device adopts the old one's stored batches up to its `from`, and its next head covers them", async (context) => {
  const { folder, writer, remote, outboxPath } = await setUp(context);
  remote.relaying = false;
  const old = await runOld(remote, writer, outboxPath, ['one\n', 'two\n']);

  const successor = successorOf(writer, 2);
  remote.charterOnChain(writer.charter);
  remote.charterOnChain(successor.charter);
  remote.relaying = true;
  const second = pushSource();
  const device = startDevice(
    { remote, writer: successor, outboxPath: join(folder, 'new'), source: second },
    { untilIdle: true },
  );
  assert.equal((await device.event('adopted')).blocks, 2);
  await second.line('three\n');
  second.end();
  assert.equal(await device.ended, true);
  assert.deepEqual(
    remote.chain.map(({ size }) => size),
    [0, 3],
    'one head of the new device covers all three blocks',
  );
  const blocks = restore(remote, writer, successor);
  assert.equal(restoreStream(blocks).toString(), 'one\ntwo\nthree\n');
  assert.deepEqual(
    blocks.map(({ meta }) => meta.clock ?? 0),
    [0, 0, 2],
    'it begins a new stretch of time',
  );
  assert.ok(old.events.length > 0);

  // The old one comes back: it is not named any more and seals nothing.
  const third = pushSource();
  const back = startDevice({ remote, writer, outboxPath, source: third });
  await third.line('stale\n');
  await back.event('held', ({ reason }) => /the device of this dataset is/.test(reason));
  await back.stop();
  assert.equal(remote.log.length, 3);
});

test('what an old device stored at or above `from`, and nobody recorded, is not adopted', async (context) => {
  const { folder, writer, remote, outboxPath } = await setUp(context);
  remote.relaying = false;
  await runOld(remote, writer, outboxPath, ['one\n', 'two\n', 'three\n']);
  const successor = successorOf(writer, 1);
  remote.charterOnChain(writer.charter);
  remote.charterOnChain(successor.charter);
  const source = pushSource();
  const parts = { remote, writer: successor, outboxPath: join(folder, 'new'), source, direct: true };
  const device = startDevice(parts);
  assert.equal((await device.event('adopted')).blocks, 1);
  await source.line('four\n');
  assert.equal((await device.event('sealed')).first, 1);
  await device.stop();
});

test('nobody but a device that the owner named is adopted from: storage may invent a signer', async (context) => {
  const { folder, writer, remote, outboxPath } = await setUp(context);
  remote.relaying = false;
  await runOld(remote, writer, outboxPath, []);
  const stranger = { ...successorOf(writer, 0), serial: 1 };
  const blocks = [{ content: new TextEncoder().encode('invented'), meta: { at: 1 } }];
  remote.ingest(sealBatch(nodePrimitives, stranger, EMPTY_PEAKS, blocks, nodePrimitives.randomBytes(16)).segment.car);
  const successor = successorOf(writer, 5);
  remote.charterOnChain(writer.charter);
  remote.charterOnChain(successor.charter);
  const device = startDevice({ remote, writer: successor, outboxPath: join(folder, 'new'), source: pushSource() });
  await device.event('skipped', ({ reason }) => /never a device/.test(reason));
  await device.stop();
});

test('a new device records by itself what the old one had stored, under its own signature', async (context) => {
  const { folder, writer, remote, outboxPath } = await setUp(context);
  remote.relaying = false;
  await runOld(remote, writer, outboxPath, ['one\n']);
  const successor = successorOf(writer, 1);
  remote.charterOnChain(writer.charter);
  remote.charterOnChain(successor.charter);
  const source = pushSource();
  const parts = { remote, writer: successor, outboxPath: join(folder, 'new'), source, direct: true };
  const device = startDevice(parts, { untilIdle: true });
  await device.event('adopted');
  source.end();
  assert.equal(await device.ended, true);
  assert.equal(remote.latestHead().size, 1);
  assert.equal(remote.latestHead().signer, accountOf(successor));
});

test('a new device on the outbox of the old one keeps what is stored, and seals the rest with its own keys', async (context) => {
  const { writer, remote, outboxPath } = await setUp(context);
  remote.relaying = false;
  await runOld(remote, writer, outboxPath, ['one\n', 'two\n']);
  remote.storeDown = true;
  const waiting = pushSource();
  const old = startDevice({ remote, writer, outboxPath, source: waiting });
  await waiting.line('three\n');
  await old.event('sealed');
  await old.stop();
  remote.storeDown = false;

  const successor = successorOf(writer, 2);
  remote.charterOnChain(writer.charter);
  remote.charterOnChain(successor.charter);
  remote.relaying = true;
  const source = pushSource();
  const device = startDevice({ remote, writer: successor, outboxPath, source }, { untilIdle: true });
  await source.line('four\n');
  source.end();
  assert.equal(await device.ended, true, 'the batches that the old one sealed are checked, too');
  assert.equal(restoreStream(restore(remote, writer, successor)).toString(), 'one\ntwo\nthree\nfour\n');
  assert.deepEqual(
    remote.blocks().map(({ serial }) => serial),
    [1, 1, 2, 2],
  );
});

test('an empty outbox takes its place behind a long recorded log by one record of it', async (context) => {
  const { folder, writer, remote, outboxPath } = await setUp(context);
  const first = pushSource();
  const before = startDevice({ remote, writer, outboxPath, source: first }, { untilIdle: true });
  const limits = { maxBlocks: 1, maxBytes: 1000, maxAgeMs: 1 };
  await before.stop();
  const second = pushSource();
  const filling = startDevice({ remote, writer, outboxPath, source: second }, { untilIdle: true, batch: limits });
  for (let i = 0; i < 13; i++) await second.line(`${i}\n`);
  second.end();
  assert.equal(await filling.ended, true);
  assert.equal(remote.log.length, 13);

  const asked: string[] = [];
  const service = new Proxy(remote.service, {
    get: (target, name) => {
      asked.push(String(name));
      return target[name as keyof typeof target];
    },
  });
  const findRecorded = async () => {
    throw new Error('no event is needed');
  };
  const third = pushSource();
  const counted = { service, ledger: { ...remote.ledger, findRecorded }, recorder: remote.recorder };
  const device = startDevice(
    { remote: counted, writer, outboxPath: join(folder, 'new'), source: third },
    { untilIdle: true },
  );
  assert.deepEqual(await device.event('adopted'), {
    ...{ event: 'adopted', blocks: 13, known: 0, streamBytes: 0 },
  });
  await third.line('13\n');
  third.end();
  assert.equal(await device.ended, true);
  assert.deepEqual(
    ['getRecords', 'getSegment'].map((name) => asked.filter((one) => one === name).length),
    [1, 0],
  );
  assert.equal(remote.latestHead().size, 14);
});

test('storage that invents a batch is not believed, and cannot keep the device from sealing its own', async (context) => {
  const { writer, remote, outboxPath } = await setUp(context);
  remote.relaying = false;
  const forger = { ...newWriter(), dataset: writer.dataset, deviceKey: writer.deviceKey };
  const content = [{ content: new TextEncoder().encode('forged\n'), meta: { at: 1 } }];
  remote.ingest(sealBatch(nodePrimitives, forger, EMPTY_PEAKS, content, nodePrimitives.randomBytes(16)).segment.car);
  const source = pushSource();
  const device = startDevice({ remote, writer, outboxPath, source });
  await device.event('skipped', ({ reason }) => /not made with this device's keys/.test(reason));
  await source.line('one\n');
  assert.equal((await device.event('sealed')).first, 0);
  assert.equal(
    device.events.some(({ event }) => event === 'adopted'),
    false,
  );
  await device.stop();
});
