import assert from 'node:assert/strict';
import { appendFileSync, existsSync, mkdirSync, renameSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { type TestContext, test } from 'node:test';
import { nodeDirectories } from '../../adapters/files/node-directories.ts';
import { ArgumentError } from '../../core/errors.ts';
import { openOutboxReadOnly } from '../../device/outbox/open-outbox.ts';
import { readStatus } from '../../device/outbox/read-status.ts';
import { parseSource } from '../../device/sources/parse-source.ts';
import { readLines } from '../../device/sources/read-lines.ts';
import { runCommand } from '../../device/sources/run-command.ts';
import { type DirectoryOptions, watchDirectory } from '../../device/sources/watch-directory.ts';
import { newWriter, restore, restoreFiles, restoreStream, startDevice, temporaryFolder } from './fixture.ts';
import { startRemote } from './remote.ts';

const WATCH: DirectoryOptions = {
  ...{ blockBytes: 1000, scanEveryMs: 10, settleMs: 100, deleteAfterChecked: false, keepOut: [] },
};
const COMMAND = { everyMs: 20, times: null, timeoutMs: 5000, blockBytes: 1000, maxOutputBytes: 5000 };

async function setUp(context: TestContext) {
  const folder = temporaryFolder(context);
  const writer = newWriter();
  const remote = await startRemote(writer);
  context.after(() => remote.close());
  const directory = join(folder, 'readings');
  mkdirSync(directory);
  const outboxPath = join(folder, 'o');
  const start = (options: Partial<DirectoryOptions> = {}, untilIdle = false) =>
    startDevice(
      { remote, writer, outboxPath, source: watchDirectory(nodeDirectories, directory, { ...WATCH, ...options }) },
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
  return { folder, directory, writer, remote, outboxPath, start, files, status };
}

test('a file that is still being written is not captured; it is once it rests', async (context) => {
  const { directory, start, files } = await setUp(context);
  // How long a file must rest to the scan is measured in virtual time; here no pause of a busy machine may pass for rest.
  const device = start({ settleMs: 3_000 });
  const path = join(directory, 'growing.csv');
  writeFileSync(path, 'begin ');
  for (let i = 0; i < 60; i++) {
    await new Promise((resolve) => setTimeout(resolve, 20));
    appendFileSync(path, `${i} `);
  }
  assert.equal(
    device.events.some(({ event }) => event === 'captured'),
    false,
  );
  await device.event('checked');
  assert.deepEqual(files(), { 'growing.csv': [`begin ${Array.from({ length: 60 }, (_, i) => `${i} `).join('')}`] });
  await device.stop();
});

test('a file that is replaced, or grows later, is captured again, whole', async (context) => {
  const { folder, directory, start, files } = await setUp(context);
  const device = start();
  writeFileSync(join(directory, 'a'), 'first');
  writeFileSync(join(directory, 'b'), 'one');
  await device.event('checked', () => Object.keys(files()).length === 2);
  writeFileSync(join(folder, 'new'), 'other');
  renameSync(join(folder, 'new'), join(directory, 'a'));
  appendFileSync(join(directory, 'b'), ' two');
  await device.event('checked', () => Object.values(files()).flat().length === 4);
  assert.deepEqual(files(), { a: ['first', 'other'], b: ['one', 'one two'] });
  await device.stop();
  const again = start({}, true);
  assert.equal(await again.ended, true);
  assert.equal(Object.values(files()).flat().length, 4, 'a restart captures nothing again');
});

test('empty, hidden, temporary, linked and unnameable files are left alone, and said so where it matters', async (context) => {
  const { folder, directory, start, files } = await setUp(context);
  writeFileSync(join(folder, 'secret'), 'secret');
  symlinkSync(join(folder, 'secret'), join(directory, 'link'));
  symlinkSync(folder, join(directory, 'folder-link'));
  writeFileSync(join(directory, 'empty'), '');
  writeFileSync(Buffer.concat([Buffer.from(`${directory}/`), Buffer.from([0xff, 0xfe])]), 'x');
  mkdirSync(join(directory, 'd'.repeat(240), 'e'.repeat(240)), { recursive: true });
  writeFileSync(join(directory, 'd'.repeat(240), 'e'.repeat(240), 'f'.repeat(200)), 'x');
  for (const name of ['.hidden', 'x.tmp', 'x.part', 'x~', 'x.swp']) writeFileSync(join(directory, name), 'x');
  writeFileSync(join(directory, '__proto__'), 'kept');
  const device = start({}, true);
  assert.equal(await device.ended, true);
  assert.deepEqual([...Object.entries(files())], [...Object.entries({ ['__proto__']: ['kept'] })]);
  const skipped = device.events.flatMap((event) => (event.event === 'skipped' ? [[event.what, event.reason]] : []));
  const byName = (name: string, pattern: string) => [name, `Its name matches ${pattern}, which the device skips.`];
  const long = `${'d'.repeat(240)}/${'e'.repeat(240)}/${'f'.repeat(200)}`;
  assert.deepEqual(
    skipped.sort(),
    [
      ['link', 'It is a link, and the device does not follow links.'],
      ['folder-link', 'It is a link, and the device does not follow links.'],
      ['empty', 'It is empty, but a block holds at least one byte.'],
      ['\ufffd\ufffd', 'Its name is not UTF-8.'],
      [long, 'Its name is too long for a block.'],
      ...[byName('.hidden', '.*'), byName('x.tmp', '*.tmp'), byName('x.part', '*.part')],
      ...[byName('x~', '*~'), byName('x.swp', '*.swp')],
    ].sort(),
  );
});

test('a file that nobody has changed for long is captured at first sight', async (context) => {
  const { directory, start } = await setUp(context);
  writeFileSync(join(directory, 'old'), 'x');
  utimesSync(join(directory, 'old'), new Date(Date.now() - 120_000), new Date(Date.now() - 120_000));
  const device = start({ settleMs: 60_000 }, true);
  assert.equal(await device.ended, true);
});

test('a file is deleted once it is checked, where that is wanted, but not what was written under its name since', async (context) => {
  const { directory, remote, start, files } = await setUp(context);
  remote.finalLag = Number.POSITIVE_INFINITY;
  const device = start({ deleteAfterChecked: true });
  writeFileSync(join(directory, 'a'), 'a');
  writeFileSync(join(directory, 'b'), 'b');
  await device.event('captured', ({ totalBlocks }) => totalBlocks === 2);
  await device.event('recorded');
  assert.ok(existsSync(join(directory, 'a')));
  await device.stop();
  writeFileSync(join(directory, 'b'), 'changed');
  remote.finalLag = 0;
  const again = start({ deleteAfterChecked: true, settleMs: 300 });
  await again.event('checked');
  while (existsSync(join(directory, 'a'))) await new Promise((resolve) => setTimeout(resolve, 5));
  assert.ok(existsSync(join(directory, 'b')));
  await again.event('captured');
  while (existsSync(join(directory, 'b'))) await new Promise((resolve) => setTimeout(resolve, 5));
  assert.deepEqual(files(), { a: ['a'], b: ['b', 'changed'] });
  await again.stop();
});

test('a directory that holds the secrets of the device is refused', async (context) => {
  const { folder, directory, start } = await setUp(context);
  writeFileSync(join(directory, 'device.json'), 'secret');
  const device = start({ keepOut: [join(directory, 'device.json')] });
  await assert.rejects(device.ended, (error) => error instanceof ArgumentError && /secret/.test(error.message));
  assert.ok(existsSync(folder));
});

test('a large file survives a stop in its middle: the rest follows, nothing is repeated', async (context) => {
  const { directory, remote, start, files } = await setUp(context);
  const content = Buffer.from(Array.from({ length: 20 * 2 ** 20 }, (_, i) => (i * 7) % 256));
  writeFileSync(join(directory, 'large.bin'), content);
  const blockBytes = 512 * 1024;
  const device = start({ blockBytes });
  await device.event('captured');
  await device.stop();
  const kept = device.events.flatMap((event) => (event.event === 'captured' ? [event.blocks] : []));
  assert.ok(kept.reduce((sum, blocks) => sum + blocks, 0) < 40, 'it was stopped before the end');
  const again = start({ blockBytes }, true);
  assert.equal(await again.ended, true);
  assert.equal(remote.blocks().length, 40);
  assert.equal(files()['large.bin']?.length, 1);
  assert.equal(files()['large.bin']?.[0], String(content));
});

test('what a command prints is one block each run; failures, floods and delays are said and not recorded', async (context) => {
  const { folder, writer, remote, outboxPath } = await setUp(context);
  const run = async (command: string, options: Partial<typeof COMMAND> = {}, untilIdle = true) => {
    const source = runCommand(command, { ...COMMAND, ...options });
    const device = startDevice({ remote, writer, outboxPath, source }, { untilIdle });
    if (untilIdle) assert.equal(await device.ended, true);
    return device;
  };
  const counter = join(folder, 'n');
  const device = await run(`printf 'reading\\n'; echo x >> '${counter}'`, {}, false);
  await device.event('captured', ({ totalBlocks }) => totalBlocks >= 3);
  await device.event('checked');
  await device.stop();
  const reasonOf = async (command: string, options: Partial<typeof COMMAND> = {}) =>
    (await run(command, options)).events.flatMap((event) => (event.event === 'skipped' ? [event.reason] : []));
  assert.deepEqual(await reasonOf('echo lost; exit 3'), ['It ended with code 3.']);
  assert.deepEqual(await reasonOf('echo lost; kill -9 $$'), ['SIGKILL ended it.']);
  assert.deepEqual(await reasonOf('echo lost; sleep 60 & wait', { timeoutMs: 100 }), ['It ran longer than 100 ms.']);
  assert.deepEqual(await reasonOf('yes lost'), ['It printed more than 5000 bytes.']);
  assert.deepEqual(await reasonOf('true'), ['It printed nothing.']);
  assert.deepEqual(await reasonOf("printf 'a\\nb\\n\\033[31moops\\033[0m\\007\\n' >&2; exit 127"), [
    'It ended with code 127. It said: a / b / oops\ufffd',
  ]);
  // What it leaves behind holds standard error, and nothing waits for that.
  assert.deepEqual(
    await reasonOf('sleep 60 > /dev/null & echo $! >&2; exit 4').then(([one]) => /code 4/.test(`${one}`)),
    true,
  );
  await run("head -c 2500 /dev/zero | tr '\\0' z");
  const blocks = restore(remote, writer);
  assert.doesNotMatch(String(restoreStream(blocks)), /lost/);
  assert.match(String(restoreStream(blocks)), /^(reading\n){3,}z{2500}$/);
  assert.deepEqual(
    blocks.slice(-3).map(({ content }) => content.length),
    [1000, 1000, 500],
  );
});

test('a source of which nothing was ever captured has failed, once the run has ended', async (context) => {
  const { folder, writer, remote, outboxPath, status } = await setUp(context);
  const failing = runCommand('echo oops >&2; exit 127', { ...COMMAND, times: 2 });
  const device = startDevice({ remote, writer, outboxPath, source: failing }, { untilIdle: true });
  assert.equal(await device.ended, true);
  assert.match(String(failing.failure?.()?.message), /Nothing was captured.* It ended with code 127\. It said: oops/);
  assert.deepEqual(
    status().leftOut.missed.map(({ reason, count, last }) => [reason, count, last]),
    [['It ended with code 127.', 2, 'command: It said: oops']],
  );
  const flag = join(folder, 'flag');
  const mended = runCommand(`test -e '${flag}' && echo 1 || { touch '${flag}'; exit 1; }`, { ...COMMAND, times: 2 });
  assert.equal(await startDevice({ remote, writer, outboxPath, source: mended }, { untilIdle: true }).ended, true);
  assert.equal(mended.failure?.(), null);
  assert.deepEqual(status().failures, []);
  const silent = readLines(Readable.from([]), 'stdin', 1000);
  const empty = startDevice({ remote, writer, outboxPath, source: silent }, { untilIdle: true });
  assert.equal(await empty.ended, true);
  assert.match(String(silent.failure?.()?.message), /stdin.*without a byte/);
});

test('a source that is none of the three is refused', () => {
  assert.deepEqual(parseSource("cmd:cat 'a:b'"), { kind: 'cmd', command: "cat 'a:b'" });
  assert.deepEqual(parseSource('dir:/x'), { kind: 'dir', path: '/x' });
  for (const text of ['', 'dir:', 'cmd: ', 'stdin:', 'file:/x']) assert.throws(() => parseSource(text), ArgumentError);
});
