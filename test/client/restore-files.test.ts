import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import fc from 'fast-check';
import type { BlockToRestore, Restored } from '../../client/restore/restore-files.ts';
import { block, damaged, filesIn, flow, restoreInto } from './restore-fixture.ts';

describe('restoring files and lines', () => {
  let parent: string;
  let folder: string;

  beforeEach(async () => {
    parent = await mkdtemp(join(tmpdir(), 'plumbline-restore-'));
    folder = join(parent, 'deep', 'out');
  });
  afterEach(() => rm(parent, { recursive: true, force: true }));

  const restore = async (...blocks: BlockToRestore[]): Promise<Pick<Restored, 'files' | 'lines' | 'incomplete'>> => {
    const { files, lines, incomplete } = await restoreInto(folder, flow(...blocks));
    return { files, lines, incomplete };
  };
  const found = (): Promise<Record<string, string>> => filesIn(folder);
  /** Nothing lies beside the folder. */
  const assertNothingOutside = async (): Promise<void> => {
    assert.deepEqual(await readdir(parent), ['deep']);
    assert.deepEqual(await readdir(join(parent, 'deep')), ['out']);
  };

  it('whole files, parts in order, interleaved files, and lines', async () => {
    const restored = await restore(
      block({ name: 'a.csv' }, 'whole'),
      block({}, 'one\n'),
      block({ name: 'dir/b.bin', part: 0, parts: 2 }, 'b0'),
      block({ name: 'c.bin', part: 0, parts: 3 }, 'c0'),
      block({ name: 'c.bin', part: 1, parts: 3 }, 'c1'),
      block({ name: 'dir/b.bin', part: 1, parts: 2 }, 'b1'),
      block({}, 'two\n'),
      block({ name: 'c.bin', part: 2, parts: 3 }, 'c2'),
    );
    assert.deepEqual(restored, {
      files: ['a.csv', 'dir/b.bin', 'c.bin'],
      lines: { path: 'lines', blocks: 2 },
      incomplete: [],
    });
    assert.deepEqual(await found(), { 'a.csv': 'whole', 'dir/b.bin': 'b0b1', 'c.bin': 'c0c1c2', lines: 'one\ntwo\n' });
  });

  it('nothing to restore leaves no folder', async () => {
    assert.deepEqual(await restore(), { files: [], lines: null, incomplete: [] });
    await assert.rejects(readdir(folder), { code: 'ENOENT' });
  });

  it('a file of many parts is written whole', async () => {
    const parts = 300;
    const content = 'x'.repeat(5000);
    await restore(...Array.from({ length: parts }, (_, part) => block({ name: 'big', part, parts }, content)));
    assert.equal((await found()).big, content.repeat(parts));
  });

  it('a damaged, missing or doubled part leaves its file unwritten, named with what was verified of it', async () => {
    const part = (name: string, number: number, parts = 3): BlockToRestore =>
      block({ name, part: number, parts }, `${number}`);
    const restored = await restore(
      ...[part('first lost', 1), part('first lost', 2)],
      ...[part('middle lost', 0), damaged, part('middle lost', 2)],
      ...[part('last lost', 0), part('last lost', 1)],
      ...[part('doubled', 0), part('doubled', 1), part('doubled', 1), part('doubled', 2)],
      ...[part('other count', 0), part('other count', 1, 4)],
      ...[part('whole', 0), part('whole', 1), part('whole', 2)],
    );
    assert.deepEqual(restored.files, ['whole']);
    assert.deepEqual(Object.fromEntries(restored.incomplete.map(({ name, got }) => [name, got])), {
      ...{ 'first lost': 2, 'middle lost': 2, 'last lost': 2, doubled: 4, 'other count': 2 },
    });
    assert.deepEqual(await found(), { whole: '012' });
  });

  it('a file begun again is restored, and what was begun before is named', async () => {
    const restored = await restore(
      block({ name: 'x', part: 0, parts: 2 }, 'old'),
      block({ name: 'x', part: 0, parts: 2 }, 'new0'),
      block({ name: 'x', part: 1, parts: 2 }, 'new1'),
    );
    assert.deepEqual(restored, { files: ['x'], lines: null, incomplete: [{ name: 'x', got: 1, parts: 2 }] });
    assert.deepEqual(await found(), { x: 'new0new1' });
  });

  it('a name that comes again gets a number behind it', async () => {
    const restored = await restore(
      ...['1', '2', '3'].map((text) => block({ name: 'd/x' }, text)),
      block({ name: 'd/x~2' }, '4'),
    );
    assert.deepEqual(restored.files, ['d/x', 'd/x~2', 'd/x~3', 'd/x~2~2']);
    assert.deepEqual(await found(), { 'd/x': '1', 'd/x~2': '2', 'd/x~3': '3', 'd/x~2~2': '4' });
  });

  it('existing files are left as they are', async () => {
    await mkdir(join(folder, 'd'), { recursive: true });
    await writeFile(join(folder, 'x'), 'mine');
    await writeFile(join(folder, 'd', 'y'), 'mine');
    await writeFile(join(folder, '.0123456789abcdef.part'), 'mine');
    const restored = await restore(
      block({ name: 'x' }, 'theirs'),
      block({ name: 'd/y', part: 0, parts: 1 }, 'theirs'),
      block({ name: 'd' }, 'theirs'),
    );
    assert.deepEqual(restored.files, ['x~2', 'd/y~2', 'd~2']);
    assert.deepEqual(await found(), {
      x: 'mine',
      'd/y': 'mine',
      '.0123456789abcdef.part': 'mine',
      'x~2': 'theirs',
      'd/y~2': 'theirs',
      'd~2': 'theirs',
    });
  });

  it('an existing file of lines is left as it is, and the lines come beside it', async () => {
    await mkdir(folder, { recursive: true });
    await writeFile(join(folder, 'lines'), 'mine');
    const { lines } = await restore(block({ name: 'x', part: 0, parts: 2 }, '0'), block({}, 'theirs'));
    assert.deepEqual(lines, { path: 'lines~2', blocks: 1 });
    assert.deepEqual(await found(), { lines: 'mine', 'lines~2': 'theirs' });
  });

  it('a device’s file called lines is not mixed with the lines', async () => {
    const restored = await restore(
      block({ name: 'lines' }, 'file'),
      block({}, 'line'),
      block({ name: 'lines/x' }, 'y'),
    );
    assert.deepEqual(restored.files, ['file/lines', 'file_lines_x']);
    assert.deepEqual(await found(), { 'file/lines': 'file', lines: 'line', file_lines_x: 'y' });
  });

  for (const [name, path] of [
    ['../../escape', 'escape'],
    ['/etc/passwd', 'etc/passwd'],
    ['..', 'file'],
    ['a/../../b', 'a/b'],
    ['..\\..\\windows', 'windows'],
    ['C:\\x\\y', 'C:/x/y'],
    ['./././x', 'x'],
    ['//double//slash/', 'double/slash'],
    ['line\nbreak\u0000nul\u001b[31mred\u007f\u009b', 'line_break_nul_[31mred__'],
    ['Zürich/温度 🌡.csv', 'Zürich/温度 🌡.csv'],
    ['~/x', '~/x'],
    ['-rf', '-rf'],
  ] as const) {
    it(`a file called ${JSON.stringify(name)} is written below the folder`, async () => {
      const restored = await restore(block({ name }, 'content'));
      assert.deepEqual(restored.files, [path]);
      assert.deepEqual(await found(), { [path]: 'content' });
      await assertNothingOutside();
    });
  }

  it('a name longer than a file system takes is cut, between characters', async () => {
    const names = ['x'.repeat(480), '温'.repeat(160), `${'🌡'.repeat(110)}/ok`, `a/${'é'.repeat(240)}`];
    const restored = await restore(...names.map((name) => block({ name }, name.slice(0, 2))));
    assert.equal(restored.files.length, names.length);
    for (const file of restored.files) {
      assert.ok(file.isWellFormed());
      for (const step of file.split('/')) assert.ok(Buffer.byteLength(step) <= 255 && step.length > 0);
    }
    assert.equal(Object.keys(await found()).length, names.length);
  });

  it('two long names that are cut to the same both come', async () => {
    const restored = await restore(
      block({ name: `${'x'.repeat(400)}1` }, '1'),
      block({ name: `${'x'.repeat(400)}2` }, '2'),
    );
    assert.equal(new Set(restored.files).size, 2);
  });

  it('a file in the place of another file’s folder, and the other way round', async () => {
    const restored = await restore(
      block({ name: 'a' }, '1'),
      block({ name: 'a/b' }, '2'),
      block({ name: 'a/b/c' }, '3'),
      block({ name: 'd/e' }, '4'),
      block({ name: 'd' }, '5'),
    );
    assert.deepEqual(await found(), { a: '1', a_b: '2', a_b_c: '3', 'd/e': '4', 'd~2': '5' });
    assert.deepEqual(restored.files, ['a', 'a_b', 'a_b_c', 'd/e', 'd~2']);
  });

  it('control characters in the name of an incomplete file are not repeated', async () => {
    const restored = await restore(block({ name: '\u001b]0;x\u0007', part: 0, parts: 2 }, '0'));
    assert.deepEqual(restored.incomplete, [{ name: '_]0;x_', got: 1, parts: 2 }]);
  });

  it('thousands of unfinished files do not run out of open files', async () => {
    const restored = await restore(
      ...Array.from({ length: 3000 }, (_, i) => block({ name: `f${i}`, part: 0, parts: 2 }, 'x')),
    );
    assert.equal(restored.incomplete.length, 3000);
    assert.deepEqual(await found(), {});
  });

  it('any names at all stay below the folder and lose nothing', async () => {
    const step = fc.oneof(
      fc.constantFrom('..', '.', '', 'lines', 'file', 'a', 'a~2', '.restoring-', '\u0000', '…'),
      fc.string({ minLength: 1, maxLength: 12, unit: 'grapheme' }),
    );
    const name = fc
      .array(step, { minLength: 1, maxLength: 5 })
      .map((steps) => steps.join('/'))
      .filter((text) => text.length > 0 && text.isWellFormed());
    await fc.assert(
      fc.asyncProperty(fc.array(name, { minLength: 1, maxLength: 6 }), async (names) => {
        await rm(folder, { recursive: true, force: true });
        const restored = await restore(
          ...names.map((each, i) => block({ name: each }, `content ${i}`)),
          block({}, 'a line'),
        );
        assert.equal(restored.files.length, names.length);
        const files = await found();
        assert.deepEqual(
          restored.files.map((path) => files[path]),
          names.map((_, i) => `content ${i}`),
        );
        assert.equal(files.lines, 'a line');
        assert.equal(Object.keys(files).length, names.length + 1);
        await assertNothingOutside();
      }),
      { numRuns: 60, seed: 4 },
    );
  });
});
