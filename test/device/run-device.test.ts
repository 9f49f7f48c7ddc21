import assert from 'node:assert/strict';
import { mkdirSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { type TestContext, test } from 'node:test';
import { nodeDirectories } from '../../adapters/files/node-directories.ts';
import { openOutboxReadOnly } from '../../device/outbox/open-outbox.ts';
import { readStatus } from '../../device/outbox/read-status.ts';
import { readLines } from '../../device/sources/read-lines.ts';
import { watchDirectory } from '../../device/sources/watch-directory.ts';
import { newWriter, restore, restoreFiles, restoreStream, startDevice, temporaryFolder } from './fixture.ts';
import { pushSource } from './push-source.ts';
import { startRemote } from './remote.ts';

const DIRECTORY = { blockBytes: 1000, scanEveryMs: 10, settleMs: 30, deleteAfterChecked: false, keepOut: [] };

async function setUp(context: TestContext, options: { plain?: boolean } = {}) {
  const folder = temporaryFolder(context);
  const writer = newWriter(options);
  const remote = await startRemote(writer);
  context.after(() => remote.close());
  return { folder, writer, remote, outboxPath: join(folder, 'device.outbox') };
}

for (const plain of [false, true]) {
  test(`files of a directory come back byte for byte, ${plain ? 'plain' : 'encrypted'}`, async (context) => {
    const { folder, writer, remote, outboxPath } = await setUp(context, { plain });
    const directory = join(folder, 'readings');
    mkdirSync(join(directory, 'below'), { recursive: true });
    const files: Record<string, Buffer> = {
      'a.csv': Buffer.from('at,value\n1,2\n'),
      'below/ünïcode and spaces\nand a newline.json': Buffer.from('{"a":1}'),
      'large.bin': Buffer.from(Array.from({ length: 4321 }, (_, i) => i % 251)),
    };
    for (const [name, content] of Object.entries(files)) writeFileSync(join(directory, name), content);
    writeFileSync(join(directory, '.hidden'), 'no');
    writeFileSync(join(directory, 'half.tmp'), 'no');
    const source = watchDirectory(nodeDirectories, directory, DIRECTORY);
    const device = startDevice({ remote, writer, outboxPath, source }, { untilIdle: true });
    assert.equal(await device.ended, true);
    const restored = restoreFiles(restore(remote, writer));
    assert.deepEqual(
      Object.fromEntries([...restored].map(([name, versions]) => [name, versions.map(String)])),
      Object.fromEntries(Object.entries(files).map(([name, content]) => [name, [String(content)]])),
    );
    const types = restore(remote, writer).map(({ meta }) => [meta.name, meta.type]);
    assert.deepEqual(
      types.find(([name]) => name === 'a.csv'),
      ['a.csv', 'text/csv'],
    );
    // Nothing is left on the device but the names of what was captured.
    const status = openOutboxReadOnly(outboxPath);
    assert.deepEqual(readStatus(status, Date.now()).unsealed, { blocks: 0, bytes: 0 });
    assert.equal(status.sql('SELECT count(*) AS n FROM pieces').get()?.n, 0);
    status.close();
    assert.equal(statSync(outboxPath).mode & 0o777, 0o600);
    renameSync(join(directory, 'a.csv'), join(directory, 'a-moved.csv'));
  });
}

test('lines come back as the stream they were, long ones and a last one without newline too', async (context) => {
  const { writer, remote, outboxPath } = await setUp(context);
  const lines = ['first\n', '\n', `${'x'.repeat(2500)}\n`, 'ünïcode\r\n', 'last without newline'];
  const bytes = Buffer.from(lines.join(''));
  const pieces = [bytes.subarray(0, 3), bytes.subarray(3, 1500), bytes.subarray(1500)];
  const source = readLines(Readable.from(pieces), 'stdin', 1000);
  const device = startDevice({ remote, writer, outboxPath, source }, { untilIdle: true });
  assert.equal(await device.ended, true);
  const blocks = restore(remote, writer);
  assert.equal(restoreStream(blocks).toString(), bytes.toString());
  assert.deepEqual(
    blocks.map(({ content }) => content.length),
    [6, 1, 1000, 1000, 501, 11, 20],
  );
  const captured = device.events.filter((event) => event.event === 'captured');
  assert.equal(captured.at(-1)?.streamBytes, bytes.length);
});

test('while large batches are sealed, the chain is followed and the log compared', async (context) => {
  const { writer, remote, outboxPath } = await setUp(context);
  const source = pushSource();
  const device = startDevice(
    { remote, writer, outboxPath, source },
    {
      ...{ untilIdle: true, followEveryMs: 1, compareEveryMs: 100 },
      batch: { maxBlocks: 1024, maxBytes: 8 * 2 ** 20, maxAgeMs: 60_000 },
    },
  );
  const content = Array.from({ length: 12 * 8 }, (_, n) => new Uint8Array(1_000_000).fill(n));
  await Promise.all(content.map((one, n) => source.push({ blocks: [{ content: one, meta: { at: n } }] })));
  source.end();
  assert.equal(await device.ended, true);
  const finals = device.events.filter(({ event }) => event === 'final').length;
  assert.ok(finals > 1, `the chain was looked at ${finals} times with something new`);
  const restored = restore(remote, writer);
  assert.equal(restored.length, content.length);
  assert.ok(restored.every((block, n) => block.content.length === 1_000_000 && block.content[0] === n));
});

test('a device that records by itself sends one transaction for many batches', async (context) => {
  const { writer, remote, outboxPath } = await setUp(context);
  remote.relaying = false;
  const bytes = Buffer.from(Array.from({ length: 200 }, (_, i) => `line ${i}\n`).join(''));
  const source = readLines(Readable.from([bytes]), 'stdin', 1000);
  const device = startDevice(
    { remote, writer, outboxPath, source, direct: true },
    { untilIdle: true, recordEveryMs: 100 },
  );
  assert.equal(await device.ended, true);
  assert.equal(restoreStream(restore(remote, writer)).toString(), bytes.toString());
  const sent = device.events.filter((event) => event.event === 'sent');
  assert.equal(sent.at(-1)?.blocks, remote.log.at(-1)?.end.size);
  assert.equal(remote.chain.length, 1 + sent.length);
  assert.ok(sent.length < remote.log.length, `${sent.length} transactions for ${remote.log.length} batches`);
});
