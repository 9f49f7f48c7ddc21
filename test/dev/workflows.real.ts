import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { findProgram } from '../../dev/real/programs/find-program.ts';

const root = join(import.meta.dirname, '..', '..');

function lint(folder: string, files: readonly string[]): Promise<{ code: number; said: string }> {
  return new Promise((resolve) => {
    execFile(findProgram('actionlint'), ['-no-color', ...files], { cwd: folder }, (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : Number(error.code), said: stdout + stderr });
    });
  });
}

test('actionlint finds nothing wrong in any workflow', async () => {
  const folder = join(root, '.github', 'workflows');
  const files = (await readdir(folder)).map((name) => join(folder, name));
  assert.ok(files.length >= 2);
  assert.deepEqual(await lint(root, files), { code: 0, said: '' });
});

test('it does look: a job without a runner is found', async (t) => {
  const scratch = await mkdtemp(join(tmpdir(), 'plumbline-workflows-'));
  t.after(() => rm(scratch, { recursive: true }));
  await mkdir(join(scratch, '.github', 'workflows'), { recursive: true });
  const path = join(scratch, '.github', 'workflows', 'wrong.yml');
  await writeFile(path, 'on: push\njobs:\n  one:\n    steps:\n      - run: echo here\n');
  const { code, said } = await lint(scratch, [path]);
  assert.equal(code, 1);
  assert.match(said, /"runs-on" section is missing/);
});
