import assert from 'node:assert/strict';
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { appendBlocks } from '../../device/outbox/append-blocks.ts';
import { dropOldest } from '../../device/outbox/drop-oldest.ts';
import { GAP_TYPE, type GapNote } from '../../device/outbox/gap-note.ts';
import { openOutbox, openOutboxReadOnly } from '../../device/outbox/open-outbox.ts';
import { nextSeq } from '../../device/outbox/read-backlog.ts';
import { readBlocks } from '../../device/outbox/read-blocks.ts';
import { readStatus } from '../../device/outbox/read-status.ts';
import { FAST, newWriter, ownerOf, restore, startDevice, temporaryFolder } from './fixture.ts';
import { pushSource } from './push-source.ts';
import { startRemote } from './remote.ts';

const MAX_DISK = 4 * 2 ** 20;
const BLOCK = 100_000;

async function setUp(context: TestContext) {
  const folder = temporaryFolder(context);
  const writer = newWriter();
  const remote = await startRemote(writer);
  context.after(() => remote.close());
  remote.serviceDown = true;
  remote.chainDown = true;
  return { writer, remote, outboxPath: join(folder, 'o') };
}

function numbered(n: number): Uint8Array {
  const content = Buffer.alloc(BLOCK, n);
  content.writeUInt32BE(n);
  return content;
}

const options = (whenFull: 'wait' | 'drop-oldest') => ({
  untilIdle: true,
  capture: { ...FAST.capture, maxDiskBytes: MAX_DISK, whenFull },
  batch: { maxBlocks: 1024, maxBytes: 2 ** 20, maxAgeMs: 50 },
});

test('at the bound of the disk the source waits, and goes on when space is released', async (context) => {
  const { writer, remote, outboxPath } = await setUp(context);
  const source = pushSource();
  const device = startDevice({ remote, writer, outboxPath, source }, options('wait'));
  let acknowledged = 0;
  const pushes = Array.from({ length: 60 }, async (_, n) => {
    await source.push({ blocks: [{ content: numbered(n), meta: { at: n } }] });
    acknowledged++;
  });
  await device.event('full');
  const atBound = acknowledged;
  assert.ok(atBound > 20 && atBound < 42, `${atBound} blocks of 100 kB fit 4 MiB`);
  assert.ok(statSync(outboxPath).size <= MAX_DISK);
  remote.serviceDown = false;
  remote.chainDown = false;
  await Promise.all(pushes);
  source.end();
  assert.equal(await device.ended, true);
  assert.deepEqual(
    restore(remote, writer).map(({ content }) => Buffer.from(content).readUInt32BE()),
    Array.from({ length: 60 }, (_, n) => n),
  );
  assert.ok(statSync(outboxPath).size <= MAX_DISK, 'released pages are used again');
});

test('where the user wants it the oldest unsealed blocks are dropped, and one note in the log says so', async (context) => {
  const { writer, remote, outboxPath } = await setUp(context);
  const source = pushSource();
  const device = startDevice({ remote, writer, outboxPath, source }, options('drop-oldest'));
  for (let n = 0; n < 60; n++) {
    const meta = n === 3 ? { at: 1000 + n, name: 'file-3' } : { at: 1000 + n };
    await source.push({ blocks: [{ content: numbered(n), meta }] });
  }
  const outbox = openOutboxReadOnly(outboxPath);
  const { dropped } = readStatus(outbox, Date.now());
  outbox.close();
  assert.ok(dropped.blocks >= 18 && dropped.blocks < 40, `${dropped.blocks} dropped`);
  assert.ok(statSync(outboxPath).size <= MAX_DISK);
  remote.serviceDown = false;
  remote.chainDown = false;
  source.end();
  assert.equal(await device.ended, true);
  const [note, ...rest] = restore(remote, writer);
  assert.equal(note?.meta.type, GAP_TYPE);
  assert.notEqual(note?.meta.name, undefined, 'it never becomes a line of the stream');
  const said = JSON.parse(Buffer.from(note?.content ?? []).toString()) as GapNote;
  assert.deepEqual(said, {
    droppedBlocks: dropped.blocks,
    droppedBytes: dropped.blocks * BLOCK,
    fromMs: 1000,
    toMs: 1000 + dropped.blocks - 1,
    files: ['file-3'],
  });
  assert.deepEqual(
    rest.map(({ content }) => Buffer.from(content).readUInt32BE()),
    Array.from({ length: 60 - dropped.blocks }, (_, i) => i + dropped.blocks),
  );
});

test('with everything sealed and nothing to drop, the source waits under that policy too', async (context) => {
  const { writer, remote, outboxPath } = await setUp(context);
  remote.chainDown = false;
  const source = pushSource();
  const device = startDevice({ remote, writer, outboxPath, source }, options('drop-oldest'));
  let acknowledged = 0;
  const pushes: Promise<void>[] = [];
  for (let n = 0; n < 60; n++) {
    pushes.push(source.push({ blocks: [{ content: numbered(n), meta: { at: n } }] }).then(() => void acknowledged++));
    // Each is sealed before the next comes.
    await Promise.race([device.event('sealed', ({ first, blocks }) => first + blocks > n), device.event('full')]);
  }
  await device.event('full');
  assert.ok(acknowledged < 60);
  assert.equal(
    device.events.some(({ event }) => event === 'gap'),
    false,
  );
  remote.serviceDown = false;
  await Promise.all(pushes);
  source.end();
  assert.equal(await device.ended, true);
  assert.equal(restore(remote, writer).length, 60);
});

test('a file that lost a block is never deleted for having been captured, and no number is given twice', (context) => {
  const path = join(temporaryFolder(context), 'o');
  const writer = newWriter();
  const outbox = openOutbox(path, ownerOf(writer));
  const part = (name: string, part: number) => ({ content: numbered(part), meta: { at: part, name, part, parts: 2 } });
  const file = (path: string, capturedParts: number) => ({ path, identity: '1/2/3', parts: 2, capturedParts });
  const keep = (name: string, number: number): void =>
    outbox.commit(() => appendBlocks(outbox, [{ blocks: [part(name, number)], file: file(name, number + 1) }], 0));
  const ends = () =>
    outbox
      .sql('SELECT path, end_seq FROM files ORDER BY path')
      .all()
      .map((row) => [row.path, row.end_seq]);
  keep('a', 0);
  keep('a', 1);
  keep('b', 0);
  assert.equal(dropOldest(outbox, 2 * BLOCK + 1, 0).blocks, 3);
  assert.equal(nextSeq(outbox), 3);
  keep('b', 1);
  keep('c', 0);
  keep('c', 1);
  assert.deepEqual(ends(), [
    ['a', -1],
    ['b', -1],
    ['c', 6],
  ]);
  outbox.close();
});

test('a note of dropped blocks keeps the beginning of a stretch of time that was among them', (context) => {
  const outbox = openOutbox(join(temporaryFolder(context), 'o'), ownerOf(newWriter()));
  const keep = (meta: { at: number; clock?: 1 | 2 }): void =>
    outbox.commit(() => appendBlocks(outbox, [{ blocks: [{ content: numbered(1), meta }] }], 0));
  keep({ at: 5000 });
  keep({ at: 100, clock: 2 });
  keep({ at: 101 });
  dropOldest(outbox, BLOCK + 1, 0);
  const [note, next] = readBlocks(outbox, 0, 3).map(({ meta }) => meta);
  assert.deepEqual([note?.at, note?.clock, next?.at], [100, 2, 101]);
  // A second note takes the place of the first.
  keep({ at: 102 });
  dropOldest(outbox, BLOCK, 0);
  assert.equal(readBlocks(outbox, 0, 3)[0]?.meta.clock, 2);
  outbox.close();
});
