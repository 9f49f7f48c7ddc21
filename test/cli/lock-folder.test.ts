import assert from 'node:assert/strict';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { lockFolder } from '../../cli/owner/lock-folder.ts';
import { StateError } from '../../core/errors.ts';

test('one command at a time writes to a folder, and the next one may as soon as it has ended', async (context) => {
  const home = await mkdtemp(join(tmpdir(), 'plumbline-lock-'));
  context.after(() => rm(home, { recursive: true, force: true }));
  const unlock = await lockFolder(home, '/somewhere/out');
  await assert.rejects(lockFolder(home, '/somewhere/out'), (error: unknown) => {
    assert.ok(error instanceof StateError);
    assert.match(error.shortMessage, /Another process is writing to \/somewhere\/out\. Wait until it ends\./);
    return true;
  });
  const other = await lockFolder(home, '/somewhere/else');
  await Promise.all([unlock(), other()]);
  const again = await lockFolder(home, '/somewhere/out');
  await again();
  assert.deepEqual(await readdir(home), []);
});
