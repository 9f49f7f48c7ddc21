import assert from 'node:assert/strict';
import { appendFile, cp, mkdir, mkdtemp, readdir, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import fc from 'fast-check';
import type { BlockToRestore, Restored } from '../../client/restore/restore-files.ts';
import { openRestoredFolder, type RestoreAs } from '../../client/restore/restored-folder.ts';
import { FileError } from '../../core/errors.ts';
import { block, damaged, filesIn, flow, indexIn, restoreInto } from './restore-fixture.ts';

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'plumbline-again-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const part = (name: string, number: number, text: string, parts = 3) => block({ name, part: number, parts }, text);

const BLOCKS: readonly BlockToRestore[] = [
  block({ name: 'a.csv' }, 'whole'),
  block({}, 'one\n'),
  part('big', 0, 'b0'),
  block({ name: 'topic' }, 'x'),
  part('big', 1, 'b1'),
  block({}, 'two\n'),
  block({ name: 'topic' }, 'y'),
  block({ name: 'log', from: 0 }, 'l0'),
  part('big', 2, 'b2'),
  block({ name: 'log', from: 2 }, 'l1'),
  block({}, 'three\n'),
];

/** The first of the blocks, and then Ctrl-C. */
async function* interrupted(count: number): AsyncGenerator<BlockToRestore> {
  yield* flow(...BLOCKS.slice(0, count));
  throw new DOMException('Interrupted.', 'AbortError');
}

const interruptAfter = (count: number, as: RestoreAs): Promise<unknown> =>
  assert.rejects(restoreInto(folder, interrupted(count), as), { name: 'AbortError' });

/** What stands on the disk: a file that was written again has another time or another number. */
async function statesOf(paths: readonly string[]): Promise<unknown[]> {
  return Promise.all(
    paths.map(async (path) => {
      const { ino, mtimeNs, size } = await stat(join(folder, path), { bigint: true });
      return { path, ino, mtimeNs, size };
    }),
  );
}

/** Which blocks can be read from the folder, as a run that goes on would. */
async function keptIn(as: RestoreAs): Promise<number[]> {
  const opened = await openRestoredFolder(folder, { as, of: { dataset: 'd' }, title: 'the test' });
  const kept: number[] = [];
  for (const [index, { meta, content }] of BLOCKS.entries()) {
    const found = await opened.read(index);
    if (found === null) continue;
    assert.deepEqual({ meta: found.meta, content: [...found.content] }, { meta, content: [...(content ?? [])] });
    kept.push(index);
  }
  return kept;
}

for (const as of ['files', 'lines', 'jsonl'] as const) {
  describe(`a run that goes on, as ${as}`, () => {
    let whole: Record<string, string>;

    beforeEach(async () => {
      const elsewhere = join(folder, 'whole');
      await restoreInto(elsewhere, flow(...BLOCKS), as);
      whole = await filesIn(elsewhere);
      await rm(elsewhere, { recursive: true });
    });

    it('after Ctrl-C anywhere, it keeps all that came and ends as if there had been none', async () => {
      for (let count = 1; count <= BLOCKS.length; count++) {
        await interruptAfter(count, as);
        assert.deepEqual(
          await keptIn(as),
          BLOCKS.slice(0, count).map((_, i) => i),
          `what came before block ${count}`,
        );
        const { kept, left } = await restoreInto(folder, flow(...BLOCKS), as);
        assert.deepEqual([kept, left], [count, []]);
        assert.deepEqual(await filesIn(folder), whole);
        const index = (await indexIn(folder)).map(({ block: number }) => number).sort((a, b) => a - b);
        assert.deepEqual(index, [...BLOCKS.keys()], 'each block once');
        assert.ok(!(await readdir(folder)).some((name) => name.startsWith('.')), 'nothing temporary is left');
        await rm(folder, { recursive: true });
      }
    });

    it('a second run writes nothing, and says so', async () => {
      await restoreInto(folder, flow(...BLOCKS), as);
      const before = await statesOf(Object.keys(whole));
      const { kept, renamed } = await restoreInto(folder, flow(...BLOCKS), as);
      assert.equal(kept, BLOCKS.length);
      assert.deepEqual(await statesOf(Object.keys(whole)), before);
      assert.deepEqual(await filesIn(folder), whole);
      assert.ok(renamed.every(({ path }) => path in whole));
    });

    it('what has come since is added', async () => {
      const some = BLOCKS.slice(0, 9);
      await restoreInto(folder, flow(...some), as);
      const { kept } = await restoreInto(folder, flow(...BLOCKS), as);
      assert.equal(kept, some.length);
      assert.deepEqual(await filesIn(folder), whole);
    });

    it('twice interrupted, and then killed in the midst, it goes on all the same', async () => {
      await interruptAfter(3, as);
      await interruptAfter(6, as);
      // As a killed run leaves it: an index beside the index, its last line torn.
      const index = join(folder, 'plumb-index.jsonl');
      await writeFile(`${index}.new`, (await readFile(index, 'utf8')).slice(0, -20));
      await restoreInto(folder, flow(...BLOCKS), as);
      assert.deepEqual(await filesIn(folder), whole);
      await assert.rejects(stat(`${index}.new`), { code: 'ENOENT' });
    });

    it('a file that was changed since is left, and what is recorded comes beside it', async () => {
      await restoreInto(folder, flow(...BLOCKS), as);
      const [path] = Object.keys(whole).filter((one) => one.startsWith('a.csv'));
      await writeFile(join(folder, path as string), 'mine');
      const again = await restoreInto(folder, flow(...BLOCKS), as);
      assert.deepEqual([again.left, again.kept], [[path], BLOCKS.length - 1]);
      const found = await filesIn(folder);
      const beside = Object.keys(found).filter((one) => !(one in whole));
      assert.equal(beside.length, 1);
      assert.deepEqual(found, { ...whole, [path as string]: 'mine', [beside[0] as string]: whole[path as string] });
      assert.ok((await indexIn(folder)).some((line) => line.path === beside[0]));
    });

    it('a file that is gone comes again, and a file cut short is made whole', async () => {
      await restoreInto(folder, flow(...BLOCKS), as);
      const [first, ...others] = Object.keys(whole);
      await rm(join(folder, first as string));
      for (const path of others) await truncate(join(folder, path), 1);
      const { left } = await restoreInto(folder, flow(...BLOCKS), as);
      const found = await filesIn(folder);
      for (const [path, text] of Object.entries(whole)) {
        // What was whole under its name is not written to: then the whole comes beside it.
        assert.ok(found[path] === text || left.includes(path), path);
        assert.ok(Object.values(found).includes(text));
      }
    });
  });
}

describe('a folder that is not empty', () => {
  it('another request is refused before anything is written, and says which one the folder is for', async () => {
    await restoreInto(folder, flow(...BLOCKS));
    const before = await filesIn(folder);
    for (const [as, of] of [
      ['files', { dataset: 'other' }],
      ['lines', { dataset: 'd' }],
      ['files', { dataset: 'd', from: 1 }],
    ] as const) {
      await assert.rejects(restoreInto(folder, flow(...BLOCKS), as, of), (error: unknown) => {
        assert.ok(error instanceof FileError);
        assert.match(
          error.shortMessage,
          /holds the test, restored earlier; you asked for the test\. Give another folder/,
        );
        return true;
      });
    }
    assert.deepEqual(await filesIn(folder), before);
  });

  it("somebody's own files are never gone on from, whatever is in them", async () => {
    await writeFile(join(folder, 'lines'), 'one\n');
    await writeFile(join(folder, 'log'), 'l0');
    await mkdir(join(folder, 'topic'));
    const { lines, left } = await restoreInto(folder, flow(...BLOCKS));
    assert.equal(lines?.path, 'lines~2');
    assert.deepEqual(left, []);
    const found = await filesIn(folder);
    assert.deepEqual([found.lines, found.log, found['log~2']], ['one\n', 'l0', 'l0l1']);
  });

  it('what was damaged and is healed comes at its place', async () => {
    const holes: Restored = await restoreInto(
      folder,
      flow(...BLOCKS.map((one, i) => ([4, 5, 6].includes(i) ? damaged : one))),
    );
    assert.deepEqual(holes.incomplete, [{ name: 'big', got: 2, parts: 3 }]);
    const { kept, left, lines } = await restoreInto(folder, flow(...BLOCKS));
    const found = await filesIn(folder);
    assert.equal(found.big, 'b0b1b2');
    assert.equal(lines?.path, 'lines~2');
    assert.deepEqual([found.lines, found['lines~2']], ['one\nthree\n', 'one\ntwo\nthree\n']);
    assert.deepEqual([left, kept], [['lines'], 5]);
    const ofLines = (await indexIn(folder)).filter(({ name }) => name === null);
    assert.deepEqual(
      ofLines.map(({ path }) => path),
      ['lines~2', 'lines~2', 'lines~2'],
    );
    assert.deepEqual((await restoreInto(folder, flow(...BLOCKS))).kept, BLOCKS.length);
  });

  it('what somebody wrote behind the lines stays theirs', async () => {
    await restoreInto(folder, flow(...BLOCKS));
    await appendFile(join(folder, 'lines'), 'mine\n');
    const { left, lines } = await restoreInto(folder, flow(...BLOCKS));
    assert.deepEqual([left, lines?.path], [['lines'], 'lines~2']);
    assert.equal((await filesIn(folder)).lines, 'one\ntwo\nthree\nmine\n');
  });

  it('an index whose paths lead out of the folder leads nowhere', async () => {
    await restoreInto(folder, flow(...BLOCKS));
    const index = join(folder, 'plumb-index.jsonl');
    const text = await readFile(index, 'utf8');
    await writeFile(index, text.replaceAll('"path":"', '"path":"../'));
    assert.deepEqual(await keptIn('files'), []);
  });

  it('a file in the place of the folder is named', async () => {
    await writeFile(join(folder, 'file'), 'x');
    await assert.rejects(restoreInto(join(folder, 'file'), flow(...BLOCKS)), FileError);
    await assert.rejects(restoreInto(join(folder, 'file', 'deep'), flow(...BLOCKS)), FileError);
  });
});

it('whatever comes, is interrupted and comes again, the end is the same', async () => {
  const name = fc.constantFrom('a', 'a/b', 'a//b', 'same', 'same~2', 'lines');
  const text = fc.string({ minLength: 1, maxLength: 6 });
  const one = fc.oneof(
    text.map((content) => [block({}, content)]),
    fc.tuple(name, text).map(([called, content]) => [block({ name: called }, content)]),
    fc
      .tuple(name, text, text)
      .map(([called, first, second]) => [part(called, 0, first, 2), part(called, 1, second, 2)]),
    fc
      .tuple(name, text, text)
      .map(([called, first, second]) => [
        block({ name: called, from: 0 }, first),
        block({ name: called, from: Buffer.byteLength(first) }, second),
      ]),
  );
  const log = fc.array(one, { minLength: 1, maxLength: 8 }).map((groups) => groups.flat());
  await fc.assert(
    fc.asyncProperty(
      log,
      fc.array(fc.nat({ max: 20 }), { maxLength: 3 }),
      fc.constantFrom<RestoreAs>('files', 'lines', 'jsonl'),
      async (blocks, cuts, as) => {
        const straight = join(folder, 'straight');
        const broken = join(folder, 'broken');
        for (const path of [straight, broken]) await rm(path, { recursive: true, force: true });
        await restoreInto(straight, flow(...blocks), as);
        let came = 0;
        for (const cut of cuts) {
          const count = Math.min(cut, blocks.length);
          if (count > 0) came = Math.max(came, count);
          await assert.rejects(
            restoreInto(
              broken,
              (async function* () {
                yield* flow(...blocks.slice(0, count));
                throw new Error('Cut.');
              })(),
              as,
            ),
          );
        }
        const { kept, left } = await restoreInto(broken, flow(...blocks), as);
        assert.deepEqual([kept, left], [came, []]);
        assert.deepEqual(await filesIn(broken), await filesIn(straight));
      },
    ),
    { numRuns: 60, seed: 11 },
  );
});

for (const as of ['files', 'lines', 'jsonl'] as const) {
  it(`a run that is killed at any block leaves nothing that comes twice, as ${as}`, async () => {
    const straight = join(folder, 'straight');
    await restoreInto(straight, flow(...BLOCKS), as);
    for (let count = 1; count <= BLOCKS.length; count++) {
      const out = join(folder, `killed-${count}`);
      const copy = join(folder, `copy-${count}`);
      await restoreInto(
        out,
        (async function* () {
          yield* flow(...BLOCKS.slice(0, count));
          // What a killed process would leave: nothing is tidied up behind it.
          await cp(out, copy, { recursive: true });
        })(),
        as,
      );
      const { left } = await restoreInto(copy, flow(...BLOCKS), as);
      assert.deepEqual(left, []);
      assert.deepEqual(await filesIn(copy), await filesIn(straight), `killed behind ${count} blocks`);
    }
  });
}
