import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, rmSync, statfsSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { type TestContext, test } from 'node:test';
import { nodeRuntime } from '../../adapters/runtime/node-runtime.ts';
import type { DeviceEvent } from '../../device/events.ts';
import { OutboxUnavailableError } from '../../device/outbox/errors.ts';
import { noteStep, type StepFailure, type StepName } from '../../device/outbox/note-step.ts';
import { openOutbox, openOutboxReadOnly } from '../../device/outbox/open-outbox.ts';
import { patiently } from '../../device/outbox/patiently.ts';
import { readStatus } from '../../device/outbox/read-status.ts';
import { newWriter, ownerOf, restore, restoreStream, startDevice, temporaryFolder } from './fixture.ts';
import { pushSource } from './push-source.ts';
import { startRemote } from './remote.ts';

/* A real file system that somebody else fills, and another program that holds the outbox. */

const SIZE = 4 * 2 ** 20;
const never = new AbortController().signal;

/** A small file system of its own; null where this user may not mount one. */
function smallDisk(context: TestContext): { readonly path: string; fill(): void; free(): void } | null {
  const path = mkdtempSync(join(tmpdir(), 'plumbline-disk-'));
  const isMounted = spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${SIZE},mode=0700`, 'tmpfs', path]).status === 0;
  context.after(() => {
    if (isMounted) spawnSync('umount', ['-l', path]);
    rmSync(path, { recursive: true });
  });
  if (!isMounted) return null;
  const filler = join(path, 'filler');
  return {
    path,
    fill() {
      const file = openSync(filler, 'a');
      try {
        for (;;) writeSync(file, Buffer.alloc(4096, 1));
      } catch (cause) {
        assert.equal((cause as NodeJS.ErrnoException).code, 'ENOSPC');
      } finally {
        closeSync(file);
      }
      assert.equal(statfsSync(path).bavail, 0);
    },
    free: () => rmSync(filler),
  };
}

function statusOf(path: string) {
  const outbox = openOutboxReadOnly(path);
  const status = readStatus(outbox, Date.now());
  outbox.close();
  return status;
}

test('others fill the disk: the source is held back, status says why, and all goes on when there is space', async (context) => {
  const disk = smallDisk(context);
  if (disk === null) {
    context.skip('mounting is not permitted here');
    return;
  }
  const writer = newWriter();
  const remote = await startRemote(writer);
  context.after(() => remote.close());
  const outboxPath = join(disk.path, 'o');
  const source = pushSource();
  const device = startDevice({ remote, writer, outboxPath, source }, { untilIdle: true });
  await source.line('before\n');
  await device.event('checked');
  disk.fill();
  const lines = Array.from({ length: 300 }, (_, n) => `line ${n} ${'x'.repeat(4000)}\n`);
  let kept = 0;
  const pushed = lines.map((line) => source.line(line).then(() => kept++));
  const said = await device.event('retry', ({ step }) => step === 'capture');
  assert.match(said.reason, /The disk is full/);
  assert.ok(kept < lines.length);
  const disks = statusOf(outboxPath).waits.filter((wait) => wait.for === 'disk');
  assert.deepEqual(
    disks.map(({ turn, overdue }) => [turn, overdue]),
    [['operator', true]],
  );
  assert.match(disks[0]?.reason ?? '', /The disk is full/);
  disk.free();
  await Promise.all(pushed);
  source.end();
  assert.equal(await device.ended, true);
  assert.equal(restoreStream(restore(remote, writer)).toString(), ['before\n', ...lines].join(''));
  assert.deepEqual([statusOf(outboxPath).waits, statusOf(outboxPath).failures], [[], []]);
});

test('since when the disk takes nothing is kept, over failures of other kinds, work that writes nothing and a restart', (context) => {
  const outboxPath = join(temporaryFolder(context), 'o');
  const owner = ownerOf(newWriter());
  let outbox = openOutbox(outboxPath, owner);
  context.after(() => outbox.close());
  const at = { nowMs: 1_000_000 };
  const note = (step: StepName, failure: StepFailure | null) =>
    noteStep({ runtime: { nowMs: () => at.nowMs }, outbox }, step, failure);
  const disks = () => statusOf(outboxPath).waits.filter((wait) => wait.for === 'disk');
  const other = new DatabaseSync(outboxPath);
  context.after(() => other.close());
  const held = 'Another program, perhaps a backup, holds the outbox. The device will try again.';
  note('watch', null);
  assert.deepEqual(disks(), []);
  other.exec('BEGIN IMMEDIATE');
  note('capture', { reason: held, failures: 1, kind: 'unavailable' });
  at.nowMs += 60_000;
  note('follow', { reason: 'The node does not answer.', failures: 3, kind: 'unavailable' });
  at.nowMs += 60_000;
  // It works, as it has nothing to write.
  note('watch', null);
  const said = { for: 'disk', blocks: 0, sinceMs: 1_000_000, turn: 'operator', overdue: true };
  assert.deepEqual(disks(), [{ ...said, reason: `${outboxPath}: ${held}` }]);
  other.exec('ROLLBACK');
  outbox.close();
  outbox = openOutbox(outboxPath, owner);
  other.exec('BEGIN IMMEDIATE');
  at.nowMs += 60_000;
  note('seal', { reason: held, failures: 1, kind: 'unavailable' });
  assert.equal(disks()[0]?.sinceMs, 1_000_000);
  other.exec('ROLLBACK');
  note('seal', null);
  assert.deepEqual(disks(), []);
});

test('a device that is started on a full disk waits for space', async (context) => {
  const disk = smallDisk(context);
  if (disk === null) {
    context.skip('mounting is not permitted here');
    return;
  }
  disk.fill();
  const owner = ownerOf(newWriter());
  const events: DeviceEvent[] = [];
  const waited = Promise.withResolvers<void>();
  const report = (event: DeviceEvent): void => {
    events.push(event);
    waited.resolve();
  };
  const open = patiently({ runtime: nodeRuntime, report }, () => openOutbox(join(disk.path, 'o'), owner), never);
  await waited.promise;
  disk.free();
  (await open).close();
  const [first] = events;
  assert.ok(first?.event === 'retry' && first.step === 'outbox' && /disk is full/.test(first.reason));
});

test('another program holds the outbox for longer than SQLite waits: every step waits, and nothing ends', async (context) => {
  const folder = temporaryFolder(context);
  const writer = newWriter();
  const remote = await startRemote(writer);
  context.after(() => remote.close());
  const outboxPath = join(folder, 'o');
  const source = pushSource();
  const device = startDevice({ remote, writer, outboxPath, source }, { untilIdle: true });
  await source.line('before\n');
  await device.event('checked');
  const other = new DatabaseSync(outboxPath, { timeout: 5000 });
  other.exec('BEGIN IMMEDIATE');
  const during = source.line('during\n');
  const said = await device.event('retry', ({ step }) => step === 'capture');
  assert.match(said.reason, /Another program, perhaps a backup, holds the outbox/);
  other.exec('ROLLBACK');
  other.close();
  await during;
  source.end();
  assert.equal(await device.ended, true);
  assert.equal(restoreStream(restore(remote, writer)).toString(), 'before\nduring\n');
});

test('what may pass and what must be mended are told apart', (context) => {
  const nowhere = join(temporaryFolder(context), 'nowhere', 'o');
  assert.throws(
    () => openOutbox(nowhere, ownerOf(newWriter())),
    (cause) => !(cause instanceof OutboxUnavailableError),
  );
});
