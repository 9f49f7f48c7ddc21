import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  appendFileSync,
  copyFileSync,
  linkSync,
  mkdirSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { type TestContext, test } from 'node:test';
import { nodeDirectories } from '../../adapters/files/node-directories.ts';
import { type DirectoryOptions, watchDirectory } from '../../device/sources/watch-directory.ts';
import type { ChildTask } from './child.ts';
import {
  copyOutbox,
  newWriter,
  type RestoredBlock,
  restore,
  startDevice,
  temporaryFolder,
  writerToJson,
} from './fixture.ts';
import { startRemote } from './remote.ts';

/* A file that grows is captured in pieces: each byte once, whatever rotates it. */

const CHILD = join(import.meta.dirname, 'child.ts');
const WATCH: DirectoryOptions = {
  ...{ blockBytes: 100_000, scanEveryMs: 10, settleMs: 100, deleteAfterChecked: false, keepOut: [] },
  names: { skip: [], take: [], follow: ['**'] },
};

async function setUp(context: TestContext) {
  const folder = temporaryFolder(context);
  const writer = newWriter();
  const remote = await startRemote(writer);
  context.after(() => remote.close());
  const directory = join(folder, 'logs');
  mkdirSync(directory);
  const outboxPath = join(folder, 'o');
  const start = (options: Partial<DirectoryOptions> = {}, untilIdle = false) =>
    startDevice(
      { remote, writer, outboxPath, source: watchDirectory(nodeDirectories, directory, { ...WATCH, ...options }) },
      { untilIdle },
    );
  const blocks = () => restore(remote, writer);
  /** All that was captured, as text, once so much of it is there. */
  const captured = async (bytes: number): Promise<string> => {
    const lateMs = Date.now() + 60_000;
    for (;;) {
      const all = Buffer.concat(blocks().map(({ content }) => content)).toString();
      if (all.length >= bytes) return all;
      assert.ok(Date.now() < lateMs, `${all.length} of ${bytes} bytes: ${all.slice(-300)}`);
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  };
  const path = join(directory, 'door.log');
  return { folder, directory, path, start, blocks, captured, remote, writer, outboxPath };
}

/** Growing files as they come back: a piece continues the newest version of its name that is as long as the piece says. */
function versionsOf(blocks: readonly RestoredBlock[]): Map<string, string[]> {
  const versions = new Map<string, string[]>();
  for (const { meta, content } of blocks) {
    assert.ok(meta.name !== undefined && meta.from !== undefined && meta.part === undefined, JSON.stringify(meta));
    const all = versions.get(meta.name) ?? [];
    versions.set(meta.name, all);
    const at = meta.from === 0 ? -1 : all.findLastIndex((one) => one.length === meta.from);
    assert.ok(meta.from === 0 || at >= 0, `nothing of ${meta.name} ends at ${meta.from}`);
    const text = Buffer.from(content).toString();
    if (at < 0) all.push(text);
    else all[at] += text;
  }
  return versions;
}

const lines = (from: number, to: number): string =>
  Array.from({ length: to - from }, (_, i) => `line ${from + i} of the door\n`).join('');

test('seven appends to a log of 300 kB are 49 bytes more, over restarts too', async (context) => {
  const { path, start, blocks, captured } = await setUp(context);
  const begin = lines(0, 14_000)
    .slice(0, 300_000 - 1)
    .concat('\n');
  writeFileSync(path, begin);
  let device = start();
  await captured(300_000);
  for (let i = 1; i <= 7; i++) {
    if (i === 4) {
      await device.stop();
      device = start();
    }
    appendFileSync(path, `more ${i}\n`);
    await captured(300_000 + 7 * i);
  }
  await device.stop();
  assert.equal(await start({}, true).ended, true);
  const all = `${begin}${[1, 2, 3, 4, 5, 6, 7].map((i) => `more ${i}\n`).join('')}`;
  assert.deepEqual([...versionsOf(blocks())], [['door.log', [all]]]);
  assert.deepEqual(
    blocks()
      .slice(-7)
      .map(({ content }) => content.length),
    Array.from({ length: 7 }, () => 7),
  );
  assert.ok(blocks().every(({ meta, content }) => meta.time !== undefined && content.at(-1) === 0x0a));
});

test('rotated by renaming, three times: each line once, whatever was written just before', async (context) => {
  const { directory, path, start, blocks, captured } = await setUp(context);
  const device = start();
  let bytes = 0;
  const write = (from: number, to: number) => {
    appendFileSync(path, lines(from, to));
    bytes += lines(from, to).length;
  };
  for (let round = 0; round < 4; round++) {
    write(round * 100, round * 100 + 60);
    await captured(bytes);
    // What follows is in the file when it is renamed, and not captured yet.
    write(round * 100 + 60, round * 100 + 100);
    if (round === 3) break;
    for (let n = 3; n > 0; n--) {
      const from = join(directory, n === 1 ? 'door.log' : `door.log.${n - 1}`);
      if (statSync(from, { throwIfNoEntry: false })) renameSync(from, join(directory, `door.log.${n}`));
    }
    // A writer that has the file open writes on into it.
    appendFileSync(join(directory, 'door.log.1'), `late ${round}\n`);
    bytes += 7;
  }
  const all = await captured(bytes);
  assert.equal(all.length, bytes);
  await device.stop();
  assert.equal(await start({}, true).ended, true);
  const [[name, versions]] = [...versionsOf(blocks())] as [[string, string[]]];
  assert.equal(name, 'door.log');
  assert.deepEqual(
    versions.sort(),
    [0, 1, 2, 3].map((round) => lines(round * 100, round * 100 + 100) + (round < 3 ? `late ${round}\n` : '')).sort(),
  );
});

test('rotated by copying and truncating: each line once, also those between the last look and the copy', async (context) => {
  const { directory, path, start, captured } = await setUp(context);
  // A pattern that does not fit the name of a rotated file.
  const follow = { names: { skip: [], take: [], follow: ['*.log'] } };
  const device = start(follow);
  let expected = '';
  for (let round = 0; round < 3; round++) {
    appendFileSync(path, lines(round * 100, round * 100 + 60));
    expected += lines(round * 100, round * 100 + 60);
    await captured(expected.length);
    appendFileSync(path, lines(round * 100 + 60, round * 100 + 100));
    expected += lines(round * 100 + 60, round * 100 + 100);
    if (round > 0) renameSync(join(directory, 'door.log.1'), join(directory, 'door.log.2'));
    copyFileSync(path, join(directory, 'door.log.1'));
    truncateSync(path, 0);
    await captured(expected.length);
  }
  appendFileSync(path, 'the end\n');
  const all = await captured(expected.length + 8);
  await device.stop();
  assert.equal(await start(follow, true).ended, true);
  assert.deepEqual((await captured(0)).split('\n').sort(), `${expected}the end\n`.split('\n').sort());
  assert.equal(all.length, expected.length + 8);
});

test('a copy of a file that stays is known; one that only begins alike is a file of its own', async (context) => {
  const { directory, path, start, blocks, captured } = await setUp(context);
  const text = lines(0, 50);
  writeFileSync(path, text);
  const device = start();
  await captured(text.length);
  copyFileSync(path, join(directory, 'door.log.bak'));
  writeFileSync(join(directory, 'door-2.log'), `${text}and more\n`);
  writeFileSync(join(directory, 'window.log'), text);
  await captured(3 * text.length + 9);
  linkSync(path, join(directory, 'second.log'));
  await device.event('skipped', ({ what }) => what === 'second.log');
  await device.stop();
  assert.equal(await start({}, true).ended, true);
  const expected = { 'door.log': [text], 'door-2.log': [`${text}and more\n`], 'window.log': [text] };
  assert.deepEqual(Object.fromEntries(versionsOf(blocks())), expected);
});

test('truncated and written anew, shorter, longer or of the same length: it begins anew', async (context) => {
  const { path, start, blocks, captured } = await setUp(context);
  const device = start();
  const texts = [lines(0, 40), 'short\n', lines(40, 80), lines(10, 50)];
  let bytes = 0;
  for (const text of texts) {
    writeFileSync(path, text);
    bytes += text.length;
    await captured(bytes);
  }
  await device.stop();
  assert.equal(await start({}, true).ended, true);
  assert.deepEqual([...versionsOf(blocks())], [['door.log', texts]]);
});

test('a line waits for its end, and without one until the file rests; an endless one is cut', async (context) => {
  const { path, start, blocks, captured } = await setUp(context);
  const device = start({ settleMs: 1_500, blockBytes: 1000 });
  writeFileSync(path, 'whole\nhal');
  await captured(6);
  appendFileSync(path, 'f\n');
  await captured(11);
  appendFileSync(path, `${'x'.repeat(2500)}`);
  await captured(2011);
  assert.equal((await captured(0)).length, 2011);
  assert.equal((await captured(2511)).length, 2511);
  assert.deepEqual(
    blocks().map(({ content }) => content.length),
    [6, 5, 1000, 1000, 500],
  );
  await device.stop();
});

test('a file that was captured whole goes on in pieces; one that goes with its end unread is counted', async (context) => {
  const { path, start, remote, captured } = await setUp(context);
  writeFileSync(path, 'first\n');
  assert.equal(await start({ names: { skip: [], take: [], follow: [] } }, true).ended, true);
  appendFileSync(path, 'second\n');
  const device = start({ settleMs: 60_000 });
  assert.equal(await captured(13), 'first\nsecond\n');
  assert.equal(remote.blocks().length, 2);
  appendFileSync(path, 'no end');
  await new Promise((resolve) => setTimeout(resolve, 300));
  rmSync(path);
  await device.event('skipped', ({ reason }) => /before the device captured its end/.test(reason));
  await device.stop();
});

test('an older copy of the outbox is put back: what the log has of the file is not captured again', async (context) => {
  const { folder, path, start, blocks, outboxPath } = await setUp(context);
  const run = async (text: string) => {
    appendFileSync(path, text);
    assert.equal(await start({}, true).ended, true);
  };
  await run(lines(0, 10));
  copyOutbox(outboxPath, join(folder, 'copy'));
  await run(lines(10, 20));
  await run(lines(20, 30));
  copyOutbox(join(folder, 'copy'), outboxPath);
  await run(lines(30, 40));
  assert.deepEqual([...versionsOf(blocks())], [['door.log', [lines(0, 40)]]]);
  assert.equal(blocks().length, 4);
});

test('killed eight times while it is written and rotated: each line once', async (context) => {
  const { folder, directory, path, blocks, remote, writer, outboxPath } = await setUp(context);
  const run = (untilIdle: boolean) => {
    const task: ChildTask = {
      ...{ writer: writerToJson(writer), remoteUrl: remote.url, outboxPath, directory, direct: false },
      ...{ follow: true, untilIdle },
    };
    const child = spawn(process.execPath, [CHILD], {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: { ...process.env, PLUMB_TEST_CHILD: JSON.stringify(task), NODE_COMPILE_CACHE: join(folder, 'compiled') },
    });
    context.after(() => void child.kill('SIGKILL'));
    return child;
  };
  let line = 0;
  const write = (count: number): void => {
    appendFileSync(path, lines(line, line + count));
    line += count;
  };
  for (let kill = 0; kill < 8; kill++) {
    write(20);
    const child = run(false);
    const closed = once(child, 'close');
    let seen = 0;
    // After its first, second or third commit, with something written just before.
    for await (const event of createInterface({ input: child.stdout })) {
      if (!event.includes('"captured"')) continue;
      write(3);
      if (++seen > kill % 3) child.kill('SIGKILL');
    }
    await closed;
    write(2);
    if (kill % 3 === 1) renameSync(path, `${path}.${kill}`);
    if (kill % 3 === 2) {
      copyFileSync(path, `${path}.${kill}`);
      truncateSync(path, 0);
    }
  }
  write(5);
  const [code] = (await once(run(true), 'exit')) as [number | null];
  assert.equal(code, 0);
  const seen = blocks().flatMap(({ content }) => Buffer.from(content).toString().split('\n').slice(0, -1));
  assert.deepEqual(seen.sort(), lines(0, line).split('\n').slice(0, -1).sort());
});
