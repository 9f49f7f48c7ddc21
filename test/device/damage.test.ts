import assert from 'node:assert/strict';
import { renameSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { nodePrimitives } from '../../adapters/crypto/node-primitives.ts';
import { readSegmentFront } from '../../core/batch/read-segment.ts';
import { toHex } from '../../core/bytes.ts';
import type { Nonce } from '../../core/ids.ts';
import { appendBlocks } from '../../device/outbox/append-blocks.ts';
import { GAP_TYPE, type GapNote } from '../../device/outbox/gap-note.ts';
import { openOutbox, openOutboxReadOnly } from '../../device/outbox/open-outbox.ts';
import { readStatus } from '../../device/outbox/read-status.ts';
import { setAsideDamaged } from '../../device/outbox/set-aside.ts';
import {
  newWriter,
  ownerOf,
  type RestoredBlock,
  type RunningDevice,
  restore,
  startDevice,
  temporaryFolder,
} from './fixture.ts';
import { pushSource } from './push-source.ts';
import { startRemote } from './remote.ts';

/* One bit of the outbox's content is not what was written: what is sound goes on, and the log says what is missing. */

const LINES = 1000;
const line = (n: number): string => `line ${n}\n`;
const OPTIONS = { batch: { maxBlocks: 256, maxBytes: 2 ** 20, maxAgeMs: 20 }, untilIdle: true };

async function setUp(context: TestContext) {
  const writer = newWriter();
  const remote = await startRemote(writer);
  context.after(() => remote.close());
  const outboxPath = join(temporaryFolder(context), 'o');
  /** Captures all lines in one piece, and goes as far as the world allows. */
  const capture = async (until: (device: RunningDevice) => Promise<unknown>) => {
    const source = pushSource();
    const device = startDevice({ remote, writer, outboxPath, source }, { ...OPTIONS, untilIdle: false });
    const blocks = Array.from({ length: LINES }, (_, n) => ({ content: Buffer.from(line(n)), meta: { at: 1000 + n } }));
    await source.push({ blocks, streamBytes: blocks.reduce((sum, { content }) => sum + content.length, 0) });
    await until(device);
    await device.stop();
  };
  /** Flips one bit of the content of block `seq`, or of the lines, as a disk would. */
  const flip = (column: 'content' | 'lines', atOf: (bytes: Buffer) => number): void => {
    const outbox = openOutbox(outboxPath, ownerOf(writer));
    const row = outbox.sql(`SELECT seq, ${column} AS bytes FROM pieces ORDER BY seq LIMIT 1`).get();
    const bytes = Buffer.from(row?.bytes as Uint8Array);
    const at = atOf(bytes);
    bytes[at] = (bytes[at] as number) ^ 1;
    outbox.sql(`UPDATE pieces SET ${column} = ? WHERE seq = ?`).run(bytes, row?.seq as number);
    outbox.close();
  };
  const finish = async () => {
    const source = pushSource();
    const device = startDevice({ remote, writer, outboxPath, source }, OPTIONS);
    source.end();
    assert.equal(await device.ended, true);
    return device.events;
  };
  const status = () => {
    const look = openOutboxReadOnly(outboxPath);
    const read = readStatus(look, Date.now());
    look.close();
    return read;
  };
  return { writer, remote, outboxPath, capture, flip, finish, status };
}

const textOf = ({ content }: RestoredBlock): string => Buffer.from(content).toString();
const noteOf = (block: RestoredBlock | undefined): GapNote => {
  assert.equal(block?.meta.type, GAP_TYPE);
  return JSON.parse(textOf(block as RestoredBlock));
};

test('one flipped bit in one captured block: that block is set aside with a note, the other 999 are recorded', async (context) => {
  const { writer, remote, capture, flip, finish, status } = await setUp(context);
  remote.serviceDown = true;
  remote.chainDown = true;
  await capture(async () => {});
  flip('content', (bytes) => bytes.indexOf(line(500)));
  remote.serviceDown = false;
  remote.chainDown = false;
  const events = await finish();
  assert.deepEqual(
    events.filter(({ event }) => event === 'damaged'),
    [{ event: 'damaged', blocks: 1, bytes: line(500).length }],
  );
  const blocks = restore(remote, writer);
  assert.equal(blocks.length, LINES);
  assert.deepEqual(noteOf(blocks[500]), {
    ...{ droppedBlocks: 1, droppedBytes: line(500).length, fromMs: 1500, toMs: 1500, files: [], reason: 'damaged' },
  });
  assert.deepEqual(
    blocks.filter((_, n) => n !== 500).map(textOf),
    Array.from({ length: LINES }, (_, n) => line(n)).filter((_, n) => n !== 500),
  );
  assert.deepEqual(
    status().losses.map(({ kind, blocks }) => [kind, blocks]),
    [['damaged', 1]],
  );
});

test('a flipped bit in a batch that was sealed and not stored: it is sealed anew with another nonce', async (context) => {
  const { writer, remote, capture, flip, finish } = await setUp(context);
  remote.storeDown = true;
  await capture((device) => device.event('sealed', ({ first, blocks }) => first + blocks === LINES));
  flip('content', (bytes) => bytes.indexOf(line(300)));
  remote.storeDown = false;
  await finish();
  const blocks = restore(remote, writer);
  assert.equal(noteOf(blocks[300]).droppedBlocks, 1);
  assert.equal(blocks.filter(({ meta }) => meta.type !== GAP_TYPE).length, LINES - 1);
  // What was stored of the former batches has other nonces: no key encrypts two contents.
  const nonces = [...remote.objects.values()].map(({ car }) =>
    toHex(readSegmentFront(nodePrimitives, car).manifest.nonce as Nonce),
  );
  assert.equal(new Set(nonces).size, remote.objects.size);
});

test('a flipped bit in a batch that the storage has already: the storage gives the very bytes, and nothing is lost', async (context) => {
  const { writer, remote, capture, flip, finish } = await setUp(context);
  remote.finalLag = Number.POSITIVE_INFINITY;
  await capture((device) => device.event('recorded', ({ blocks }) => blocks === LINES));
  flip('content', (bytes) => bytes.indexOf(line(300)));
  remote.finalLag = 0;
  const events = await finish();
  assert.ok(events.every(({ event }) => event !== 'damaged'));
  assert.deepEqual(
    restore(remote, writer).map(textOf),
    Array.from({ length: LINES }, (_, n) => line(n)),
  );
});

test('damaged sizes: the piece is set aside as a whole, and what comes later goes on', async (context) => {
  const { writer, remote, outboxPath, capture, flip } = await setUp(context);
  remote.serviceDown = true;
  remote.chainDown = true;
  await capture(async () => {});
  flip('lines', (bytes) => bytes.length >> 1);
  remote.serviceDown = false;
  remote.chainDown = false;
  const source = pushSource();
  const device = startDevice({ remote, writer, outboxPath, source }, OPTIONS);
  await source.line('later\n');
  source.end();
  assert.equal(await device.ended, true);
  const [note, later, ...more] = restore(remote, writer);
  assert.equal(noteOf(note).droppedBlocks, LINES);
  assert.equal(textOf(later as RestoredBlock), 'later\n');
  assert.equal(more.length, 0);
});

test('damaged sizes and names of a piece of files: the note names them all the same, and none counts as captured', (context) => {
  const outbox = openOutbox(join(temporaryFolder(context), 'o'), ownerOf(newWriter()));
  context.after(() => outbox.close());
  const capture = (path: string, parts: number): void => {
    const blocks = Array.from({ length: parts }, (_, part) => ({
      content: Buffer.from(`${path} ${part}`),
      meta: { at: 1000, name: path, part, parts },
    }));
    const file = { path, identity: `identity of ${path}`, parts, capturedParts: parts };
    outbox.commit(() => appendBlocks(outbox, [{ blocks, file }], 1000));
  };
  capture('before', 2);
  outbox.commit(() => {
    const blocks = [{ content: Buffer.from('one'), meta: { at: 1000, name: 'one' } }];
    const more = [1, 2].map((n) => ({
      content: Buffer.from(`${n}`),
      meta: { at: 1000, name: 'two', part: n - 1, parts: 2 },
    }));
    const fileOf = (path: string, parts: number) => ({ path, identity: path, parts, capturedParts: parts });
    const entries = [
      { blocks, file: fileOf('one', 1) },
      { blocks: more, file: fileOf('two', 2) },
    ];
    appendBlocks(outbox, entries, 1000);
  });
  capture('behind', 1);
  const { seq, lines } = outbox.sql('SELECT seq, lines FROM pieces ORDER BY seq LIMIT 1 OFFSET 1').get() as {
    seq: number;
    lines: Uint8Array;
  };
  lines[0] = (lines[0] as number) ^ 1;
  outbox.sql('UPDATE pieces SET lines = ? WHERE seq = ?').run(lines, seq);
  assert.equal(setAsideDamaged(outbox, 0, Number.MAX_SAFE_INTEGER, 2000).blocks, 3);
  const note = outbox.sql('SELECT content FROM pieces WHERE gap = 1').get();
  assert.deepEqual((JSON.parse(Buffer.from(note?.content as Uint8Array).toString()) as GapNote).files, ['one', 'two']);
  // Else they would be deleted once the batch is checked.
  const lost = outbox.sql('SELECT path FROM files WHERE end_seq = -1 ORDER BY path').all();
  assert.deepEqual(
    lost.map(({ path }) => path),
    ['one', 'two'],
  );
});

test('an outbox that is moved away while the device works on it: nothing more is answered for until it is back', async (context) => {
  const writer = newWriter();
  const remote = await startRemote(writer);
  context.after(() => remote.close());
  const outboxPath = join(temporaryFolder(context), 'o');
  const source = pushSource();
  const device = startDevice({ remote, writer, outboxPath, source });
  await source.line('before\n');
  await device.event('captured');
  renameSync(outboxPath, `${outboxPath}.away`);
  const captured = source.line('meanwhile\n');
  await device.event('retry', ({ step, reason }) => step === 'capture' && /was removed or replaced/.test(reason));
  assert.equal(device.events.filter(({ event }) => event === 'captured').length, 1);
  renameSync(`${outboxPath}.away`, outboxPath);
  await captured;
  await device.event('captured', ({ totalBlocks }) => totalBlocks === 2);
  await device.stop();
});
