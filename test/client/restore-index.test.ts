import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { decodeMeta } from '../../core/block/meta.ts';
import { fromHex, utf8 } from '../../core/bytes.ts';
import { block, damaged, filesIn, flow, indexIn, restoreInto } from './restore-fixture.ts';

const T0 = Date.UTC(2026, 10, 29, 10);

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'plumbline-index-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const indexText = (): Promise<string> => readFile(join(folder, 'plumb-index.txt'), 'utf8');

/** Topics that collide, as a broker gave them, a second apart; each payload tells which message it is. */
const TOPICS = ['a', 'a/b', 'a//b', 'same', 'same', 'same', 'same~2'];
const messages = TOPICS.map((name, i) => block({ name, at: T0 + 1000 * i, time: T0 - 1 + 1000 * i }, `m${i}`));

describe('the index of what was brought back', () => {
  it('topics that collide each have a path, and the index names topic, message and times of each', async () => {
    const restored = await restoreInto(folder, flow(...messages));
    const index = await indexIn(folder);
    assert.deepEqual(
      index.map(({ block: number, name, number: message }) => [number, name, message]),
      [
        [0, 'a', 1],
        [1, 'a/b', 1],
        [2, 'a//b', 1],
        [3, 'same', 1],
        [4, 'same', 2],
        [5, 'same', 3],
        [6, 'same~2', 1],
      ],
    );
    assert.equal(new Set(index.map(({ path }) => path)).size, TOPICS.length, 'one path each');
    const files = await filesIn(folder);
    for (const [i, line] of index.entries()) {
      assert.equal(files[line.path as string], `m${i}`);
      assert.equal(line.verdict, 'intact');
      assert.equal(line.capturedAt, new Date(T0 + 1000 * i).toISOString());
      assert.equal(line.sourceTime, new Date(T0 - 1 + 1000 * i).toISOString());
      assert.deepEqual([line.offset, line.sizeBytes], [0, 2]);
      assert.deepEqual(decodeMeta(fromHex(line.meta as string)), messages[i]?.meta);
    }
    // Whoever looks at the names alone is told which are not what was recorded.
    const expected = index.filter(({ name, path }) => name !== path).map(({ name, path }) => ({ name, path }));
    assert.deepEqual(restored.renamed, expected);
    assert.deepEqual(expected.map(({ name }) => name).sort(), ['a/b', 'a//b', 'same', 'same', 'same~2'].sort());
    const text = await indexText();
    assert.match(text, /a_b~2 +2026-11-29T10:00:02\.000Z .*"a\/\/b"/);
    assert.match(text, /same~3 .*"same", number 3/);
  });

  it('a backslash, a newline and an Escape in a name are changed, and named as they were', async () => {
    const names = ['C:\\log\\a', 'two\nlines', '\u001b[31mred', 'over\u202eriding', 'plumb-index.jsonl', 'lines'];
    const restored = await restoreInto(folder, flow(...names.map((name) => block({ name }, name))));
    const index = await indexIn(folder);
    assert.deepEqual(
      index.map(({ name }) => name),
      names,
    );
    assert.deepEqual(
      index.map(({ path }) => path),
      ['C:/log/a', 'two_lines', '_[31mred', 'over\u202eriding', 'file/plumb-index.jsonl', 'file/lines'],
    );
    assert.deepEqual(
      restored.renamed.map(({ name }) => name),
      names.filter((name) => !name.startsWith('over')),
    );
    const text = await indexText();
    assert.doesNotMatch(text.replaceAll('\n', ''), /[\p{Cc}\p{Cf}]/u, 'nothing that moves or hides text');
    for (const shown of ['"C:\\\\log\\\\a"', '"two\\nlines"', '"\\u001b[31mred"', 'over\\u202eriding']) {
      assert.ok(text.includes(shown), `${shown} in:\n${text}`);
    }
  });

  it('two versions of one name come back both, with the time of each', async () => {
    await restoreInto(
      folder,
      flow(
        block({ name: 'log.csv', at: T0, time: T0 - 60_000 }, 'one'),
        block({ name: 'log.csv', at: T0 + 3_600_000, time: T0 + 3_540_000, clock: 1 }, 'two'),
      ),
    );
    assert.deepEqual(await filesIn(folder), { 'log.csv': 'one', 'log.csv~2': 'two' });
    const [first, second] = await indexIn(folder);
    assert.deepEqual([first?.number, first?.sourceTime, first?.clock], [1, '2026-11-29T09:59:00.000Z', undefined]);
    assert.deepEqual([second?.number, second?.path, second?.clock], [2, 'log.csv~2', 'not synchronised']);
    assert.match(
      await indexText(),
      /log\.csv~2 +2026-11-29T11:00:00\.000Z \(clock not synchronised\) +2026-11-29T10:59:00/,
    );
  });

  it('damage is in it, with what is known of it, and parts whose file is not whole', async () => {
    const lost = { ...damaged, meta: { at: T0 + 5, name: 'big', part: 1, parts: 3 } };
    await restoreInto(
      folder,
      flow(
        block({ name: 'big', part: 0, parts: 3, at: T0 }, '0'),
        lost,
        block({ name: 'big', part: 2, parts: 3, at: T0 + 9 }, '2'),
        damaged,
      ),
    );
    const index = (await indexIn(folder)).toSorted((a, b) => a.block - b.block);
    assert.deepEqual(
      index.map(({ block: number, verdict, name, path, capturedAt }) => [number, verdict, name, path, capturedAt]),
      [
        [0, 'intact', 'big', null, '2026-11-29T10:00:00.000Z'],
        [1, 'corrupted', 'big', null, '2026-11-29T10:00:00.005Z'],
        [2, 'intact', 'big', null, '2026-11-29T10:00:00.009Z'],
        [3, 'corrupted', null, null, null],
      ],
    );
    assert.equal(index[0]?.reason, 'Other parts of its file are missing.');
    assert.match(await indexText(), /\(not written\) +2026-11-29T10:00:00\.005Z.*corrupted: x +"big"/);
  });

  it('a time that no calendar has is no reason to stop', async () => {
    const at = Number.MAX_SAFE_INTEGER;
    await restoreInto(folder, flow(block({ name: 'x', at, time: at }, '1')), 'jsonl');
    assert.equal((await indexIn(folder))[0]?.capturedAt, `${at} ms`);
  });
});

describe('time series', () => {
  const jsonOf = async (path: string): Promise<Record<string, unknown>[]> =>
    (await readFile(join(folder, path), 'utf8'))
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));

  it('as lines, each topic is one file, a message a line', async () => {
    const { series, files } = await restoreInto(folder, flow(...messages), 'lines');
    assert.deepEqual(series, [
      { path: 'a', blocks: 1 },
      { path: 'a_b', blocks: 1 },
      { path: 'a_b~2', blocks: 1 },
      { path: 'same', blocks: 3 },
      { path: 'same~2', blocks: 1 },
    ]);
    assert.deepEqual(files, []);
    const found = await filesIn(folder);
    assert.deepEqual(found, { a: 'm0\n', a_b: 'm1\n', 'a_b~2': 'm2\n', same: 'm3\nm4\nm5\n', 'same~2': 'm6\n' });
    // The index leads to the bytes of each message.
    for (const [i, { path, offset = -1, sizeBytes = -1 }] of (await indexIn(folder)).entries()) {
      assert.equal((found as Record<string, string>)[path as string]?.slice(offset, offset + sizeBytes), `m${i}`);
    }
  });

  it('as JSON lines, each has its times and its text, or base64 where it is none', async () => {
    const bytes = Uint8Array.of(0xff, 0x00, 0xfe);
    await restoreInto(
      folder,
      flow(
        ...messages,
        block({ name: 'same', at: T0 + 9000, clock: 1, type: 'image/x' }, bytes),
        block({ name: 'same', at: T0 + 9001 }, 'two\nlines\n'),
      ),
      'jsonl',
    );
    assert.deepEqual(await jsonOf('same.jsonl'), [
      ...[3, 4, 5].map((i) => ({
        block: i,
        capturedAt: new Date(T0 + 1000 * i).toISOString(),
        sourceTime: new Date(T0 - 1 + 1000 * i).toISOString(),
        name: 'same',
        text: `m${i}`,
      })),
      {
        ...{ block: 7, capturedAt: new Date(T0 + 9000).toISOString(), clock: 'not synchronised', type: 'image/x' },
        ...{ name: 'same', base64: '/wD+' },
      },
      { block: 8, capturedAt: new Date(T0 + 9001).toISOString(), name: 'same', text: 'two\nlines\n' },
    ]);
    assert.deepEqual(
      Object.keys(await filesIn(folder)).sort(),
      ['a.jsonl', 'a/b.jsonl', 'a/b~2.jsonl', 'same.jsonl', 'same~2.jsonl'].sort(),
    );
  });

  it('a stream of lines has a time for each line, and can be put together again byte for byte', async () => {
    const lines = ['one\n', '\n', 'ünïcode\r\n', 'cut ', 'in two\n', 'the last'];
    await restoreInto(folder, flow(...lines.map((line, i) => block({ at: T0 + i }, line))), 'jsonl');
    const found = await jsonOf('lines.jsonl');
    assert.equal(found.map(({ text, unended }) => `${text}${unended === true ? '' : '\n'}`).join(''), lines.join(''));
    assert.deepEqual(
      found.map(({ capturedAt }) => capturedAt),
      lines.map((_, i) => new Date(T0 + i).toISOString()),
    );
    assert.deepEqual(
      found.map(({ unended }) => unended === true),
      [false, false, false, true, false, true],
    );
  });

  it('a message of several blocks is one line among the others of its topic', async () => {
    const part = (number: number, text: string) => block({ name: 't', part: number, parts: 2 }, text);
    await restoreInto(
      folder,
      flow(block({ name: 't' }, 'x'), part(0, 'y'), part(1, 'z'), block({ name: 't' }, 'w')),
      'lines',
    );
    assert.deepEqual(await filesIn(folder), { t: 'x\nyz\nw\n' });
  });
});

describe('a file that grew while it was captured', () => {
  const piece = (from: number, text: string) => block({ name: 'app.log', from, at: T0 + from }, text);

  it('comes back as one file, and each rotation as another', async () => {
    const restored = await restoreInto(
      folder,
      flow(
        piece(0, 'one\n'),
        block({ name: 'other' }, 'o'),
        piece(4, 'two\n'),
        piece(8, 'three\n'),
        piece(0, 'new\n'),
        piece(4, 'and on\n'),
      ),
    );
    assert.deepEqual(await filesIn(folder), {
      'app.log': 'one\ntwo\nthree\n',
      'app.log~2': 'new\nand on\n',
      other: 'o',
    });
    assert.deepEqual(restored.files, ['other', 'app.log', 'app.log~2']);
    const index = await indexIn(folder);
    assert.deepEqual(
      index.map(({ path, number, from }) => [path, number, from]),
      [
        ['app.log', 1, 0],
        ['other', 1, undefined],
        ['app.log', 1, 4],
        ['app.log', 1, 8],
        ['app.log~2', 2, 0],
        ['app.log~2', 2, 4],
      ],
    );
  });

  it('of one whose beginning was not asked for, the index says from which byte on', async () => {
    await restoreInto(folder, flow(piece(4, 'two\n'), piece(8, 'three\n'), piece(20, 'behind a gap\n')));
    assert.deepEqual(await filesIn(folder), { 'app.log': 'two\nthree\n', 'app.log~2': 'behind a gap\n' });
    const text = await indexText();
    assert.match(text, /app\.log .*"app\.log", from its byte 4 on/);
    assert.match(text, /app\.log~2 .*from its byte 20 on/);
  });

  it('as lines, all its pieces follow one another', async () => {
    await restoreInto(folder, flow(piece(0, 'one\ntw'), piece(6, 'o\n'), piece(0, 'new')), 'lines');
    assert.deepEqual(await filesIn(folder), { 'app.log': 'one\ntwo\nnew' });
  });

  it('bytes of any kind come as they went in', async () => {
    const bytes = Uint8Array.from({ length: 256 }, (_, i) => i);
    const at = (from: number, content: Uint8Array) => block({ name: 'bin', from }, content);
    await restoreInto(folder, flow(at(0, bytes), at(256, bytes.toReversed()), at(512, utf8('end'))));
    const found = await readFile(join(folder, 'bin'));
    assert.deepEqual(found, Buffer.concat([bytes, bytes.toReversed(), utf8('end')]));
  });
});
