import assert from 'node:assert/strict';
import { copyFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { PlumblineError } from '../../core/errors.ts';
import { appendBlocks } from '../../device/outbox/append-blocks.ts';
import { GAP_TYPE, type GapNote } from '../../device/outbox/gap-note.ts';
import { openOutbox } from '../../device/outbox/open-outbox.ts';
import { writeSalvaged } from '../../device/outbox/salvage/write-salvaged.ts';
import { FAST, newWriter, ownerOf, restore, startDevice, temporaryFolder } from './fixture.ts';
import { pushSource } from './push-source.ts';
import { startRemote } from './remote.ts';

/* What an outbox still has is saved without SQLite; whatever bit of it is flipped, the device says a word. */

const COMMITS = 20;
const LINES = 10;
const line = (n: number): string => `line ${n} ${'x'.repeat(n % 90)}\n`;
const STREAM = Array.from({ length: COMMITS * LINES }, (_, n) => line(n)).join('');
const FILE = Buffer.alloc(30_000, 'a file of several blocks. ');

/** Lines and one file, in the file itself or still in its log. */
function capture(context: TestContext, checkpoint: boolean) {
  const folder = temporaryFolder(context);
  const writer = newWriter();
  const path = join(folder, 'o');
  const outbox = openOutbox(path, ownerOf(writer));
  for (let commit = 0; commit < COMMITS; commit++) {
    const blocks = Array.from({ length: LINES }, (_, n) => {
      return { content: Buffer.from(line(commit * LINES + n)), meta: { at: commit } };
    });
    const streamBytes = blocks.reduce((sum, { content }) => sum + content.length, 0);
    outbox.commit(() => appendBlocks(outbox, [{ blocks, streamBytes }], commit));
  }
  const parts = [0, 1, 2].map((part) => ({
    content: FILE.subarray(part * 10_000, (part + 1) * 10_000),
    meta: { at: COMMITS, name: '../odd/name\n.csv', part, parts: 3 },
  }));
  outbox.commit(() => appendBlocks(outbox, [{ blocks: parts }], COMMITS));
  if (checkpoint) outbox.sql('PRAGMA wal_checkpoint(TRUNCATE)').get();
  const copy = (name: string): string => {
    const to = join(folder, name);
    for (const ending of ['', '-wal', '-mark']) copyFileSync(`${path}${ending}`, `${to}${ending}`);
    return to;
  };
  context.after(() => outbox.close());
  return { folder, writer, path, copy };
}

for (const checkpoint of [false, true]) {
  test(`everything captured is saved out of ${checkpoint ? 'a file whose header is gone' : 'the log beside an empty file'}`, (context) => {
    const { folder, copy } = capture(context, checkpoint);
    const at = copy('damaged');
    const bytes = readFileSync(at);
    writeFileSync(at, checkpoint ? bytes.fill(0, 0, 100) : Buffer.alloc(0));
    const out = join(folder, 'saved');
    const { bytes: _, ...saved } = writeSalvaged(at, out);
    assert.deepEqual(saved, { blocks: COMMITS * LINES + 3, damaged: 0, missing: 0, behind: 0, files: 2 });
    assert.equal(readFileSync(join(out, 'stream'), 'utf8'), STREAM);
    assert.deepEqual(readFileSync(join(out, 'files', '_', 'odd', 'name_.csv')), FILE);
    const index = readFileSync(join(out, 'index.jsonl'), 'utf8')
      .trim()
      .split('\n')
      .map((text) => JSON.parse(text));
    assert.equal(index.at(-1)?.name, '../odd/name\n.csv');
    assert.ok(!existsSync(join(folder, 'odd')));
  });
}

/** One bit of every page, at another place in each. */
function* flips(bytes: Buffer): Generator<[string, Buffer]> {
  for (let page = 0; page * 4096 < bytes.length; page++) {
    const at = page * 4096 + ((page * 1237 + 311) % 4096);
    const damaged = Buffer.from(bytes);
    damaged[at] = (damaged[at] as number) ^ (1 << (page % 8));
    yield [`bit ${page % 8} at ${at}`, damaged];
  }
}

test('one bit flipped in any page costs no more than one piece of what is saved', (context) => {
  const { folder, copy } = capture(context, true);
  const at = copy('damaged');
  let whole = 0;
  for (const [what, bytes] of flips(readFileSync(at))) {
    writeFileSync(at, bytes);
    const { blocks } = writeSalvaged(at, join(folder, what));
    assert.ok(blocks >= COMMITS * LINES + 3 - LINES, `${what}: ${blocks} saved`);
    if (blocks === COMMITS * LINES + 3) whole++;
  }
  assert.ok(whole > 0);
});

test('one bit flipped in any page: the device records what is sound and notes the rest, or ends with a word', async (context) => {
  const { writer, copy } = capture(context, true);
  const sound = readFileSync(copy('sound'));
  let went = 0;
  let ended = 0;
  for (const [what, bytes] of flips(sound)) {
    const at = copy(`device ${what}`);
    writeFileSync(at, bytes);
    const remote = await startRemote(writer);
    const source = pushSource();
    try {
      const device = startDevice({ remote, writer, outboxPath: at, source }, { ...FAST, untilIdle: true });
      source.end();
      assert.equal(await device.ended, true, what);
      went++;
      const blocks = restore(remote, writer);
      const notes = blocks.filter(({ meta }) => meta.type === GAP_TYPE);
      const lost = notes.reduce((sum, { content }) => {
        return sum + (JSON.parse(Buffer.from(content).toString()) as GapNote).droppedBlocks;
      }, 0);
      assert.ok(
        blocks.length - notes.length + lost >= COMMITS * LINES + 3,
        `${what}: ${blocks.length} and ${lost} lost`,
      );
    } catch (cause) {
      if (!(cause instanceof PlumblineError)) throw new Error(`${what}`, { cause });
      ended++;
    } finally {
      await remote.close();
    }
  }
  assert.ok(went > 0, `${ended} ended with a word`);
});
