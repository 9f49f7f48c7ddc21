import assert from 'node:assert/strict';
import { copyFileSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { PlumblineError } from '../../core/errors.ts';
import { appendBlocks } from '../../device/outbox/append-blocks.ts';
import { GAP_TYPE, type GapNote } from '../../device/outbox/gap-note.ts';
import { readLosses } from '../../device/outbox/losses.ts';
import { openOutbox, openOutboxReadOnly } from '../../device/outbox/open-outbox.ts';
import { nextSeq } from '../../device/outbox/read-backlog.ts';
import { readStatus } from '../../device/outbox/read-status.ts';
import { FAST, newWriter, ownerOf, restore, startDevice, temporaryFolder } from './fixture.ts';
import { pushSource } from './push-source.ts';
import { startRemote } from './remote.ts';

/* SQLite takes a log that was cut, damaged or lost for one that ended there. What was answered for is missed all the same. */

const COMMITS = 40;
const BLOCKS = 5;
const FILES = ['', '-wal', '-mark'];

/** An outbox as a killed process leaves it: everything acknowledged, and all of it in the log. */
function killed(context: TestContext) {
  const folder = temporaryFolder(context);
  const writer = newWriter();
  const path = join(folder, 'o');
  const outbox = openOutbox(path, ownerOf(writer));
  for (let commit = 0; commit < COMMITS; commit++) {
    const blocks = Array.from({ length: BLOCKS }, (_, n) => ({ content: Buffer.alloc(300, n), meta: { at: commit } }));
    outbox.commit(() => appendBlocks(outbox, [{ blocks, streamBytes: 300 * BLOCKS }], commit));
  }
  const copy = (name: string): string => {
    for (const ending of FILES) copyFileSync(`${path}${ending}`, `${join(folder, name)}${ending}`);
    return join(folder, name);
  };
  context.after(() => outbox.close());
  return { folder, writer, path, copy };
}

test('of 120 logs that were cut, flipped or lost, none opens without a word', (context) => {
  const { writer, path, copy } = killed(context);
  const log = readFileSync(`${path}-wal`);
  const variants: [string, (at: string) => void][] = [['lost', (at) => rmSync(at)]];
  for (let n = 0; n < 39; n++) {
    const size = Math.floor((log.length * n) / 39);
    variants.push([`cut to ${size}`, (at) => writeFileSync(at, log.subarray(0, size))]);
  }
  for (let n = 0; n < 80; n++) {
    const byte = Math.floor((log.length * (n + 0.37)) / 80);
    variants.push([
      `bit at ${byte}`,
      (at) => {
        const damaged = Buffer.from(log);
        damaged[byte] = (damaged[byte] as number) ^ 0x10;
        writeFileSync(at, damaged);
      },
    ]);
  }
  let shorter = 0;
  for (const [what, damage] of variants) {
    const at = copy(`variant ${what}`);
    damage(`${at}-wal`);
    try {
      const outbox = openOutbox(at, ownerOf(writer));
      const missing = COMMITS * BLOCKS - nextSeq(outbox);
      const said = readLosses(outbox).reduce((sum, { blocks }) => sum + blocks, 0);
      assert.equal(said, missing, what);
      if (missing > 0) shorter++;
      // It is said once: from here on the outbox is what it is.
      outbox.close();
      const again = openOutbox(at, ownerOf(writer));
      assert.ok(readLosses(again).length <= 1, what);
      again.close();
    } catch (cause) {
      assert.ok(cause instanceof PlumblineError, `${what}: ${cause}`);
    }
  }
  assert.ok(shorter > 100, `${shorter} of ${variants.length} were shorter`);
});

test('a sound log is not missed, nor an outbox begun beside an older mark', (context) => {
  const { writer, path, copy } = killed(context);
  const sound = openOutbox(copy('sound'), ownerOf(writer));
  assert.deepEqual([nextSeq(sound), readLosses(sound)], [COMMITS * BLOCKS, []]);
  sound.close();
  const other = newWriter();
  copyFileSync(`${path}-mark`, `${path}-2-mark`);
  const begun = openOutbox(`${path}-2`, ownerOf(other));
  // What the mark speaks of is not there: whoever moved it away knows.
  assert.deepEqual(
    readLosses(begun).map(({ kind, blocks }) => [kind, blocks]),
    [['shortened', COMMITS * BLOCKS]],
  );
  begun.close();
});

test('status says that an outbox is shorter than it was, before a device starts; the device notes the gap in the log', async (context) => {
  const { writer, path, copy } = killed(context);
  const at = copy('cut');
  const log = readFileSync(`${path}-wal`);
  writeFileSync(`${at}-wal`, log.subarray(0, Math.floor(log.length / 2)));
  const look = openOutboxReadOnly(at);
  const { shortenedBlocks } = readStatus(look, Date.now());
  look.close();
  assert.ok(shortenedBlocks !== null && shortenedBlocks > 0 && shortenedBlocks < COMMITS * BLOCKS);

  const remote = await startRemote(writer);
  context.after(() => remote.close());
  const source = pushSource();
  const device = startDevice({ remote, writer, outboxPath: at, source }, { ...FAST, untilIdle: true });
  source.end();
  assert.equal(await device.ended, true);
  const told = device.events.find(({ event }) => event === 'shortened');
  assert.deepEqual(told, { event: 'shortened', blocks: shortenedBlocks, bytes: 300 * shortenedBlocks });
  const blocks = restore(remote, writer);
  const notes = blocks.filter(({ meta }) => meta.type === GAP_TYPE);
  assert.equal(blocks.length - notes.length, COMMITS * BLOCKS - shortenedBlocks);
  const [note] = notes.map(({ content }) => JSON.parse(Buffer.from(content).toString()) as GapNote);
  assert.deepEqual([notes.length, note?.droppedBlocks, note?.reason], [1, shortenedBlocks, 'shortened']);
});
