import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Directories, DirectoryEntry } from '../../core/ports/directories.ts';
import { NO_NAME_RULES } from '../../device/sources/directory/choose-by-name.ts';
import { walkTree } from '../../device/sources/directory/walk-tree.ts';

type Seen = Pick<Directories, 'list' | 'stateOf'>;

const entry = (name: string, kind: DirectoryEntry['kind']): DirectoryEntry => ({ name, isUtf8: true, kind });
const stateOf: Seen['stateOf'] = async () => ({
  ...{ kind: 'file', inode: 1n, sizeBytes: 2, changedNs: 3n, statusChangedNs: 4n },
});
const fault = (code: string) => Object.assign(new Error(code), { code, syscall: 'scandir' });
const walk = (directories: Seen) => walkTree(directories, '/watched', '', NO_NAME_RULES);

test('a directory that is gone is not an empty one', async () => {
  assert.equal(await walk({ list: async () => null, stateOf }), null);
  assert.equal((await walk({ list: async () => [], stateOf }))?.isEmpty, true);
});

test('a folder or a file below that goes while it is looked at is passed over', async () => {
  const directories: Seen = {
    list: async (path) =>
      path === '/watched' ? [entry('gone', 'directory'), entry('a', 'file'), entry('b', 'file')] : null,
    stateOf: async (path) => (path === '/watched/a' ? null : stateOf(path)),
  };
  const seen = await walk(directories);
  assert.deepEqual(
    seen?.files.map(({ path, identity }) => [path, identity]),
    [['b', '1/2/3/4']],
  );
  assert.deepEqual(seen?.leftOut, []);
});

test('a folder or a file that cannot be looked at leaves out itself alone; the directory itself cannot be', async () => {
  const directories: Seen = {
    list: async (path) => {
      if (path === '/watched/lost+found') throw fault('EACCES');
      if (path !== '/watched') return [entry('c', 'file')];
      return [entry('lost+found', 'directory'), entry('a', 'file'), entry('b', 'file'), entry('sub', 'directory')];
    },
    stateOf: async (path) => {
      if (path === '/watched/a') throw fault('EIO');
      return stateOf(path);
    },
  };
  const seen = await walk(directories);
  assert.deepEqual(
    seen?.files.map(({ path }) => path),
    ['b', 'sub/c'],
  );
  assert.deepEqual(seen?.leftOut, [
    {
      path: 'lost+found',
      reason: 'This folder cannot be read (EACCES): give the user of this device the right to read it.',
    },
    { path: 'a', reason: 'It cannot be inspected (EIO): the disk cannot read it. Check the disk.' },
  ]);
  await assert.rejects(walk({ ...directories, list: async () => Promise.reject(fault('EACCES')) }), /EACCES/);
});
