import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { describe, test } from 'node:test';
import { checkTree } from '../../dev/gate/check-tree.ts';
import { findUnused } from '../../dev/gate/find-unused.ts';
import { readSource } from '../../dev/gate/read-source.ts';
import { readTree } from '../../dev/gate/read-tree.ts';
import type { Room } from '../../dev/gate/room.ts';
import { rooms } from '../../dev/gate/rooms.ts';

const root = join(import.meta.dirname, '..', '..');
/** Rooms that have just been moved into. */
const SMALL = ['console'];

describe('the import gate on this tree', () => {
  const { sources, paths } = readTree(root);
  const verdict = checkTree(rooms, sources, paths);

  test('refuses nothing', () => {
    assert.deepEqual(verdict.refusals, []);
  });

  test('has looked into every room', () => {
    for (const room of Object.keys(rooms).filter((name) => !SMALL.includes(name))) {
      assert.ok((verdict.files.get(room) ?? 0) > 10, `${room}/: ${verdict.files.get(room) ?? 0} files`);
    }
    const uses = sources.flatMap((source) => source.uses);
    for (const kind of ['file', 'package', 'global', 'import.meta', 'found file']) {
      assert.ok(
        uses.some((use) => use.kind === kind),
        `It saw not one use of the kind "${kind}".`,
      );
    }
  });

  test('has no entry in its lists that nobody needs', () => {
    assert.deepEqual(findUnused(rooms, sources), []);
  });
});

test('an entry that nobody needs is said, by room and place', () => {
  const core = { ...rooms.core, packages: { zod: ['core/wire', 'core/log'], '@hpke/core': 'all' } } as Room;
  const source = readSource('core/wire/a.ts', "import * as z from 'zod';");
  assert.deepEqual(findUnused({ core }, [source]), [
    'dev/gate/rooms.ts gives core/log the package zod, which nothing there needs. Delete it.',
    'dev/gate/rooms.ts gives core the package @hpke/core, which nothing there needs. Delete it.',
  ]);
});

test('the gate reads every kind of source in a tree, and none of what npm and builds put there', async (t) => {
  const scratch = await mkdtemp(join(tmpdir(), 'plumbline-gate-'));
  t.after(() => rm(scratch, { recursive: true }));
  const seen = ['core/a.ts', 'core/deep/b.mts', 'core/c.js', 'core/d.tsx', 'cli/e.cjs', 'cli/f.mjs'];
  const unseen = ['node_modules/x/index.js', 'core/node_modules/x/index.js', 'build/package/core/a.js'];
  for (const path of [...seen, ...unseen]) {
    await mkdir(dirname(join(scratch, path)), { recursive: true });
    const wrong = path.endsWith('.cjs') ? "require('ethers');" : "import 'ethers';";
    await writeFile(join(scratch, path), `${wrong}\nfunction f(a, { b } = {}) { return [a, b]; }\n`);
  }
  const { sources, paths } = readTree(scratch);
  const { refusals } = checkTree(rooms, sources, paths);
  assert.deepEqual(refusals.map((refusal) => refusal.split(':')[0]).sort(), [...seen].sort());
});
