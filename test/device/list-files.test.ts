import assert from 'node:assert/strict';
import { test } from 'node:test';
import { StateError } from '../../core/errors.ts';
import type { Directories, DirectoryEntry } from '../../core/ports/directories.ts';
import { listFiles } from '../../device/sources/directory/list-files.ts';

type Seen = Pick<Directories, 'list' | 'stateOf'>;

const entry = (name: string, kind: DirectoryEntry['kind']): DirectoryEntry => ({ name, isUtf8: true, kind });
const noSkip = (what: string) => assert.fail(what);
const stateOf: Seen['stateOf'] = async () => ({ inode: 1n, sizeBytes: 2, changedNs: 3n });

test('a directory that is gone is not an empty one', async () => {
  await assert.rejects(listFiles({ list: async () => null, stateOf }, '/watched', noSkip), StateError);
  assert.deepEqual(await listFiles({ list: async () => [], stateOf }, '/watched', noSkip), []);
});

test('a folder or a file below that goes while it is looked at is passed over', async () => {
  const directories: Seen = {
    list: async (path) =>
      path === '/watched' ? [entry('gone', 'directory'), entry('a', 'file'), entry('b', 'file')] : null,
    stateOf: async (path) => (path === '/watched/a' ? null : stateOf(path)),
  };
  const files = await listFiles(directories, '/watched', noSkip);
  assert.deepEqual(
    files.map(({ path, identity }) => [path, identity]),
    [['b', '1/2/3']],
  );
});
