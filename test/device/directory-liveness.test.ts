import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, renameSync, rmSync, statSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { nodeDirectories } from '../../adapters/files/node-directories.ts';
import type { Directories } from '../../core/ports/directories.ts';
import { dropOldest } from '../../device/outbox/drop-oldest.ts';
import { openOutbox, openOutboxReadOnly } from '../../device/outbox/open-outbox.ts';
import { readStatus } from '../../device/outbox/read-status.ts';
import { type DirectoryOptions, watchDirectory } from '../../device/sources/watch-directory.ts';
import {
  newWriter,
  ownerOf,
  type RunningDevice,
  restore,
  restoreFiles,
  startDevice,
  temporaryFolder,
} from './fixture.ts';
import { startRemote } from './remote.ts';

/* One bad thing in a directory stops nothing else, and nothing is left out without a word. */

const WATCH: DirectoryOptions = {
  ...{ blockBytes: 1000, scanEveryMs: 10, settleMs: 50, deleteAfterChecked: false, keepOut: [] },
};

async function setUp(context: TestContext) {
  const folder = temporaryFolder(context);
  const writer = newWriter();
  const remote = await startRemote(writer);
  context.after(() => remote.close());
  const directory = join(folder, 'readings');
  mkdirSync(directory);
  const outboxPath = join(folder, 'o');
  const write = (name: string, text: string | Buffer = name) => writeFileSync(join(directory, name), text);
  const start = (options: Partial<DirectoryOptions> = {}, untilIdle = false, directories = nodeDirectories) =>
    startDevice(
      { remote, writer, outboxPath, source: watchDirectory(directories, directory, { ...WATCH, ...options }) },
      { untilIdle },
    );
  const files = () =>
    Object.fromEntries([...restoreFiles(restore(remote, writer))].map(([n, v]) => [n, v.map(String)]));
  const status = () => {
    const outbox = openOutboxReadOnly(outboxPath);
    try {
      return readStatus(outbox, Date.now());
    } finally {
      outbox.close();
    }
  };
  return { folder, directory, write, start, files, status, remote, outboxPath, writer };
}

/** The machine's directories, of which some paths fail. */
function failing(faults: { readonly list?: string; readonly open?: string; read?: string | null }): Directories {
  const fault = (code: string, syscall: string) => Object.assign(new Error(code), { code, syscall });
  return {
    ...nodeDirectories,
    async list(path) {
      if (faults.list !== undefined && path.endsWith(faults.list)) throw fault('EACCES', 'scandir');
      return nodeDirectories.list(path);
    },
    async open(path) {
      if (faults.open !== undefined && path.endsWith(faults.open)) throw fault('EACCES', 'open');
      const opened = await nodeDirectories.open(path);
      const read: typeof opened.read = async (at, length) => {
        if (typeof faults.read === 'string' && path.endsWith(faults.read)) throw fault('EIO', 'read');
        return opened.read(at, length);
      };
      return { ...opened, read };
    },
  };
}

const skippedOf = (device: RunningDevice) =>
  device.events.flatMap((event) => (event.event === 'skipped' ? [[event.what, event.reason]] : []));

async function until(holds: () => boolean): Promise<void> {
  const lateMs = Date.now() + 60_000;
  while (!holds()) {
    assert.ok(Date.now() < lateMs, String(holds));
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

test('an unreadable folder, an unreadable file, a bad sector: the rest is captured, they are named, and tried again', async (context) => {
  const { directory, write, start, files, status } = await setUp(context);
  mkdirSync(join(directory, 'lost+found'));
  for (const name of ['1.csv', '2.csv', '3.csv', '4.csv', '5.csv']) write(name);
  const faults = { list: 'lost+found', open: '2.csv', read: '3.csv' as string | null };
  const device = start({}, false, failing(faults));
  await device.event('checked', () => Object.keys(files()).length === 3);
  assert.deepEqual(files(), { '1.csv': ['1.csv'], '4.csv': ['4.csv'], '5.csv': ['5.csv'] });
  const right = 'give the user of this device the right to read it.';
  const expected = [
    ['2.csv', `It cannot be read (EACCES): ${right}`],
    ['3.csv', 'It cannot be read (EIO): the disk cannot read it. Check the disk.'],
    ['lost+found', `This folder cannot be read (EACCES): ${right}`],
  ];
  assert.deepEqual(skippedOf(device).sort(), expected);
  assert.deepEqual(
    status()
      .leftOut.reasons.map(({ reason, count, examples }) => [examples[0], reason, count])
      .sort(),
    expected.map((one) => [...one, 1]),
  );
  faults.read = null;
  await device.event('checked', () => Object.hasOwn(files(), '3.csv'));
  await until(() => status().leftOut.count === 2);
  assert.deepEqual(skippedOf(device).sort(), expected, 'each is said once');
  await device.stop();
});

test('where the system does not tell what changes, that is said, stands in status, and goes when it tells again', async (context) => {
  const { directory, write, start, files, status } = await setUp(context);
  mkdirSync(join(directory, 'share'));
  write('1.csv');
  let tells = false;
  const directories: Directories = {
    ...nodeDirectories,
    watch: async (path, onChange) =>
      tells || !path.endsWith('share') ? nodeDirectories.watch(path, onChange) : Promise.resolve(null),
  };
  // On a file system of the tests' machine that tells nothing either, both folders are counted.
  const device = start({}, false, directories);
  const { untold, folders } = await device.event('scanning');
  assert.ok(folders === 2 && untold >= 1, `${untold} of ${folders}`);
  const said = () => status().failures.filter(({ step }) => step === 'scan');
  await until(() => said().length === 1);
  assert.match(said()[0]?.reason ?? '', /does not tell what changes in [12] of the 2 folders of .*max_user_watches/);
  write('share/2.csv');
  await device.event('checked', () => Object.keys(files()).length === 2);
  assert.equal(device.events.filter(({ event }) => event === 'scanning').length, 1, 'it is said once');
  if (untold === 1) {
    tells = true;
    // Another folder in its place is another one to be told of.
    renameSync(join(directory, 'share'), join(directory, 'former'));
    mkdirSync(join(directory, 'share'));
    await until(() => said().length === 0);
  }
  await device.stop();
});

test('with --until-idle, what cannot be read is named and does not hold it up', async (context) => {
  const { write, start, files, status } = await setUp(context);
  write('a');
  write('b');
  const device = start({}, true, failing({ open: '/b' }));
  assert.equal(await device.ended, true);
  assert.deepEqual(files(), { a: ['a'] });
  assert.equal(status().leftOut.count, 1);
});

test('names that are skipped, links, pipes: each is said and counted, and the user can change the list', async (context) => {
  const { directory, write, start, files, status } = await setUp(context);
  for (const name of ['2026-11-29.temp', 'door.lock', 'engine.part', '.hidden', 'kept.csv', 'not-wanted.csv'])
    write(name);
  for (const folder of ['room.temp', '.git', 'cache']) {
    mkdirSync(join(directory, folder));
    write(`${folder}/a.csv`);
  }
  symlinkSync('kept.csv', join(directory, 'link'));
  execFileSync('sh', ['-c', 'mkfifo "$1"', 'sh', join(directory, 'pipe')]);
  const device = start({ names: { skip: ['not-*', 'cache/**'], take: ['*.TEMP', 'door.*'], follow: [] } }, true);
  assert.equal(await device.ended, true);
  assert.deepEqual(Object.keys(files()).sort(), ['2026-11-29.temp', 'door.lock', 'kept.csv', 'room.temp/a.csv']);
  const said = skippedOf(device).map(([what]) => what);
  assert.deepEqual(said.sort(), ['.git', '.hidden', 'cache/a.csv', 'engine.part', 'link', 'not-wanted.csv', 'pipe']);
  assert.equal(status().leftOut.count, 7);
  rmSync(join(directory, 'pipe'));
  renameSync(join(directory, 'engine.part'), join(directory, 'engine.csv'));
  assert.equal(await start({ names: { skip: [], take: ['**'], follow: [] } }, true).ended, true);
  assert.deepEqual(
    status().leftOut.reasons.map(({ examples }) => examples),
    [['link']],
  );
  for (const name of ['.git/a.csv', '.hidden', 'engine.csv', 'cache/a.csv']) assert.ok(files()[name], name);
});

test('a file that never rests is said to, and one that goes before it was captured is counted', async (context) => {
  const { directory, write, start, status } = await setUp(context);
  const device = start({ settleMs: 4_000 });
  write('empty', '');
  write('lock', '');
  let line = 0;
  const writing = setInterval(() => write('engine.log', `${line++}`), 50);
  context.after(() => clearInterval(writing));
  await device.event('skipped', ({ what, reason }) => what === 'engine.log' && /keeps changing/.test(reason));
  await until(() => status().leftOut.reasons.some(({ examples }) => examples.includes('engine.log')));
  await device.event('skipped', ({ what, reason }) => what === 'empty' && /is empty/.test(reason));
  clearInterval(writing);
  write('gone', '');
  await new Promise((resolve) => setTimeout(resolve, 100));
  rmSync(join(directory, 'gone'));
  rmSync(join(directory, 'empty'));
  rmSync(join(directory, 'lock'));
  rmSync(join(directory, 'engine.log'));
  await device.event('skipped', ({ reason }) => /disappeared before the device captured it/.test(reason));
  await until(() => status().leftOut.missed.length > 0);
  const { leftOut } = status();
  assert.deepEqual([leftOut.count, leftOut.missed.map(({ count, last }) => [count, last])], [0, [[1, 'engine.log']]]);
  await device.stop();
});

test('rewritten in place, of the same size and with its time put back: the second version is captured, and never deleted unseen', async (context) => {
  const { directory, write, start, files } = await setUp(context);
  const path = join(directory, 'a');
  write('a', 'first');
  const { atime, mtime } = statSync(path);
  assert.equal(await start({}, true).ended, true);
  writeFileSync(path, 'other');
  utimesSync(path, atime, mtime);
  assert.equal(statSync(path).mtimeMs, mtime.getTime());
  assert.equal(await start({}, true).ended, true);
  assert.deepEqual(files(), { a: ['first', 'other'] });
  // Nor where the file system keeps no time that a program cannot set: then its content is compared before it is deleted.
  const forged: Directories = {
    ...nodeDirectories,
    async stateOf(one) {
      const state = await nodeDirectories.stateOf(one);
      return state === null ? null : { ...state, statusChangedNs: 0n };
    },
    async open(one) {
      const opened = await nodeDirectories.open(one);
      return { ...opened, state: async () => ({ ...(await opened.state()), statusChangedNs: 0n }) };
    },
  };
  const device = start({ deleteAfterChecked: true }, false, forged);
  writeFileSync(path, 'third');
  utimesSync(path, atime, mtime);
  write('b', 'another');
  await until(() => !existsSync(join(directory, 'b')));
  await until(() => !existsSync(path));
  assert.deepEqual(files(), { a: ['first', 'other', 'third'], b: ['another'] });
  await device.stop();
});

test('a renamed file is known again, also with other rights; a second name of one is a file of its own', async (context) => {
  const { directory, write, start, files, remote } = await setUp(context);
  write('a', 'content');
  write('b', 'other');
  assert.equal(await start({}, true).ended, true);
  renameSync(join(directory, 'a'), join(directory, 'c'));
  execFileSync('chmod', ['600', join(directory, 'c'), join(directory, 'b')]);
  assert.equal(await start({}, true).ended, true);
  assert.equal(remote.blocks().length, 2);
  execFileSync('ln', [join(directory, 'b'), join(directory, 'd')]);
  assert.equal(await start({}, true).ended, true);
  assert.deepEqual(files(), { a: ['content'], b: ['other'], d: ['other'] });
});

test('of a renamed file whose blocks were dropped nothing is deleted', async (context) => {
  const { directory, write, start, remote, outboxPath, writer } = await setUp(context);
  remote.chainDown = true;
  remote.serviceDown = true;
  write('a', 'content');
  write('b', 'other');
  const device = start();
  await device.event('captured', ({ totalBlocks }) => totalBlocks === 2);
  await device.stop();
  renameSync(join(directory, 'a'), join(directory, 'c'));
  const again = start();
  await until(() => fileNames(outboxPath).includes('c'));
  await again.stop();
  const outbox = openOutbox(outboxPath, ownerOf(writer));
  assert.equal(dropOldest(outbox, 1000, Date.now()).blocks, 2);
  outbox.close();
  remote.chainDown = false;
  remote.serviceDown = false;
  const last = start({ deleteAfterChecked: true });
  write('d', 'new');
  await until(() => !existsSync(join(directory, 'd')));
  assert.ok(existsSync(join(directory, 'c')) && existsSync(join(directory, 'b')));
  await last.stop();
});

function fileNames(outboxPath: string): string[] {
  const outbox = openOutboxReadOnly(outboxPath);
  try {
    return outbox
      .sql('SELECT path FROM files')
      .all()
      .map((row) => row.path as string);
  } finally {
    outbox.close();
  }
}

test('a disk that is not mounted for a while leaves an empty directory: nothing is forgotten, nothing captured again', async (context) => {
  const { folder, directory, write, start, files, remote } = await setUp(context);
  mkdirSync(join(directory, 'sub'));
  for (let i = 0; i < 40; i++) write(i % 2 === 0 ? `${i}.csv` : `sub/${i}.csv`);
  const device = start();
  await device.event('checked', () => Object.keys(files()).length === 40);
  renameSync(directory, join(folder, 'unmounted'));
  mkdirSync(directory);
  // A look at the empty directory, and one at what was written there meanwhile.
  write('meanwhile');
  await device.event('checked', () => Object.hasOwn(files(), 'meanwhile'));
  rmSync(directory, { recursive: true });
  renameSync(join(folder, 'unmounted'), directory);
  write('after');
  await device.event('checked', () => Object.hasOwn(files(), 'after'));
  await device.stop();
  assert.equal(await start({}, true).ended, true);
  assert.equal(remote.blocks().length, 42);
});
