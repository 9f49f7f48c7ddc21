import assert from 'node:assert/strict';
import { copyFileSync, existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { nodePrimitives } from '../../adapters/crypto/node-primitives.ts';
import { nodeDirectories } from '../../adapters/files/node-directories.ts';
import { EMPTY_LOG, sealBatch } from '../../core/batch/seal-batch.ts';
import type { PrivateKey } from '../../core/ids.ts';
import { openOutboxReadOnly } from '../../device/outbox/open-outbox.ts';
import { watchDirectory } from '../../device/sources/watch-directory.ts';
import { accountOf, newWriter, restore, restoreFiles, restoreStream, startDevice, temporaryFolder } from './fixture.ts';
import { pushSource } from './push-source.ts';
import { startRemote } from './remote.ts';

async function setUp(context: TestContext) {
  const folder = temporaryFolder(context);
  const writer = newWriter();
  const remote = await startRemote(writer, accountOf(writer));
  context.after(() => remote.close());
  return { folder, writer, remote, outboxPath: join(folder, 'o') };
}

/** The outbox with its log, as a backup of a running or stopped device would take it. */
function copyOutbox(from: string, to: string): void {
  for (const ending of ['', '-wal']) {
    rmSync(`${to}${ending}`, { force: true });
    if (existsSync(`${from}${ending}`)) copyFileSync(`${from}${ending}`, `${to}${ending}`);
  }
  rmSync(`${to}-shm`, { force: true });
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
  assert.equal(adopted.batches, remote.log.length);
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

test('a copy made between choosing a nonce and sealing seals the same bytes again', async (context) => {
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
  assert.equal((await after.event('adopted')).batches, 1);
  await second.line('two\n');
  assert.equal((await after.event('sealed')).first, 1);
  await after.stop();
});

test('a batch that lost its place in the final log is sealed again behind it, under new indices and a new nonce', async (context) => {
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
  const sealed = sealBatch(nodePrimitives, writer, EMPTY_LOG, rival, nodePrimitives.randomBytes(16));
  remote.finalLag = Number.POSITIVE_INFINITY;
  remote.relaying = true;
  remote.ingest(sealed.segment.car);
  await device.event('held', ({ reason }) => /another batch in the place/.test(reason));
  const outbox = openOutboxReadOnly(outboxPath);
  const nonce = outbox.sql('SELECT nonce FROM batches').get()?.nonce as Uint8Array;
  assert.equal(
    device.events.some(({ event }) => event === 'resealed'),
    false,
    'not before it is final',
  );
  remote.finalLag = 0;
  remote.storeDown = false;
  assert.deepEqual(await device.event('resealed'), { event: 'resealed', fromPosition: 0, batches: 1, blocks: 1 });
  source.end();
  assert.equal(await device.ended, true);
  assert.equal(restoreStream(restore(remote, writer)).toString(), 'theirs\nours\n');
  assert.notDeepEqual(restore(remote, writer)[1]?.content, nonce);
  assert.notDeepEqual(remote.blocks()[1]?.nonce, nonce);
  outbox.close();
});

test("a new device named by setDevice adopts the old one's stored batches, and its next head covers them", async (context) => {
  const { folder, writer, remote, outboxPath } = await setUp(context);
  remote.relaying = false;
  const first = pushSource();
  const old = startDevice({ remote, writer, outboxPath, source: first });
  await first.line('one\n');
  await old.event('stored');
  await first.line('two\n');
  await old.event('stored', ({ position }) => position === 1);
  await old.stop();

  const successor = { ...writer, deviceKey: nodePrimitives.randomBytes(32) as PrivateKey };
  remote.device = accountOf(successor);
  remote.relaying = true;
  const second = pushSource();
  const device = startDevice(
    { remote, writer: successor, outboxPath: join(folder, 'new'), source: second },
    { untilIdle: true },
  );
  assert.equal((await device.event('adopted')).batches, 2);
  await second.line('three\n');
  second.end();
  assert.equal(await device.ended, true);
  assert.equal(remote.chain.length, 2, 'one head of the new device covers all three batches');
  assert.equal(remote.chain[1]?.batches, 3);
  assert.equal(restoreStream(restore(remote, successor)).toString(), 'one\ntwo\nthree\n');

  // The old one comes back: it is not named any more and seals nothing.
  const third = pushSource();
  const back = startDevice({ remote, writer, outboxPath, source: third });
  await third.line('stale\n');
  await back.event('held', ({ reason }) => /names another device/.test(reason));
  await back.stop();
  assert.equal(remote.log.length, 3);
});

test('a new device records by itself what the old one had stored, under its own signature', async (context) => {
  const { folder, writer, remote, outboxPath } = await setUp(context);
  remote.relaying = false;
  const first = pushSource();
  const old = startDevice({ remote, writer, outboxPath, source: first });
  await first.line('one\n');
  await old.event('stored');
  await old.stop();
  const successor = { ...writer, deviceKey: nodePrimitives.randomBytes(32) as PrivateKey };
  remote.device = accountOf(successor);
  const source = pushSource();
  const parts = { remote, writer: successor, outboxPath: join(folder, 'new'), source, direct: true };
  const device = startDevice(parts, { untilIdle: true });
  await device.event('adopted');
  source.end();
  assert.equal(await device.ended, true);
  assert.equal(remote.chain.at(-1)?.batches, 1);
});

test('an empty outbox takes its place behind a long recorded log in two requests', async (context) => {
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

  let fetched = 0;
  const { getSegment } = remote.service;
  const service = {
    ...remote.service,
    getSegment: (...args: Parameters<typeof getSegment>) => {
      fetched++;
      return getSegment(...args);
    },
  };
  const third = pushSource();
  const counted = { service, ledger: remote.ledger, recorder: remote.recorder };
  const device = startDevice(
    { remote: counted, writer, outboxPath: join(folder, 'new'), source: third },
    { untilIdle: true },
  );
  assert.deepEqual(await device.event('adopted'), {
    ...{ event: 'adopted', batches: 13, blocks: 13, known: 0, streamBytes: 3 },
  });
  await third.line('13\n');
  third.end();
  assert.equal(await device.ended, true);
  assert.equal(fetched, 1);
  assert.equal(remote.chain.at(-1)?.batches, 14);
});

test('storage that invents a batch is not believed, and cannot keep the device from sealing its own', async (context) => {
  const { writer, remote, outboxPath } = await setUp(context);
  remote.relaying = false;
  const forger = { ...newWriter(), dataset: writer.dataset };
  const content = [{ content: new TextEncoder().encode('forged\n'), meta: { at: 1 } }];
  remote.ingest(sealBatch(nodePrimitives, forger, EMPTY_LOG, content, nodePrimitives.randomBytes(16)).segment.car);
  const source = pushSource();
  const device = startDevice({ remote, writer, outboxPath, source });
  await device.event('skipped', ({ reason }) => /not made with this dataset's key/.test(reason));
  await source.line('one\n');
  assert.equal((await device.event('sealed')).first, 0);
  assert.equal(
    device.events.some(({ event }) => event === 'adopted'),
    false,
  );
  await device.stop();
});
