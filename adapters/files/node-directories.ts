import { type BigIntStats, constants, type Dirent } from 'node:fs';
import { type FileHandle, lstat, open, readdir, realpath, stat, unlink } from 'node:fs/promises';
import type { Directories, DirectoryEntry, EntryKind, FileState, OpenFile } from '../../core/ports/directories.ts';
import { watchFolder } from './watch-folder.ts';

// A pipe that stands where a file was would wait for its writer for ever; a link leads who knows where.
const READ_FLAGS = constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOFOLLOW;

/** The machine's own directories. */
export const nodeDirectories: Directories = {
  async kindOf(path) {
    const found = await stat(path).catch(nullWhenGone);
    if (found === null) return null;
    return found.isDirectory() ? 'directory' : 'other';
  },
  resolve: (path) => realpath(path),
  async list(path) {
    const entries = await readdir(path, { withFileTypes: true, encoding: 'buffer' }).catch(nullWhenGone);
    return entries === null ? null : entries.map(entryOf);
  },
  async stateOf(path) {
    const found = await lstat(path, { bigint: true }).catch(nullWhenGone);
    return found === null ? null : stateOf(found);
  },
  open: async (path) => openFile(await open(path, READ_FLAGS)),
  async remove(path) {
    await unlink(path).catch(nullWhenGone);
  },
  watch: watchFolder,
};

function openFile(handle: FileHandle): OpenFile {
  return {
    async read(at, length) {
      const bytes = new Uint8Array(length);
      let filled = 0;
      while (filled < length) {
        const { bytesRead } = await handle.read(bytes, filled, length - filled, at + filled);
        if (bytesRead === 0) break;
        filled += bytesRead;
      }
      return bytes.subarray(0, filled);
    },
    state: async () => stateOf(await handle.stat({ bigint: true })),
    close: () => handle.close(),
  };
}

function entryOf(entry: Dirent<Buffer>): DirectoryEntry {
  const name = entry.name.toString('utf8');
  return { name, isUtf8: Buffer.from(name).equals(entry.name), kind: kindOf(entry) };
}

function stateOf(found: BigIntStats): FileState {
  const { ino, size, mtimeNs, ctimeNs } = found;
  return { kind: kindOf(found), inode: ino, sizeBytes: Number(size), changedNs: mtimeNs, statusChangedNs: ctimeNs };
}

function kindOf(one: Pick<BigIntStats, 'isFile' | 'isDirectory' | 'isSymbolicLink'>): EntryKind {
  if (one.isFile()) return 'file';
  if (one.isDirectory()) return 'directory';
  return one.isSymbolicLink() ? 'link' : 'special';
}

function nullWhenGone(cause: NodeJS.ErrnoException): null {
  if (cause.code !== 'ENOENT' && cause.code !== 'ENOTDIR') throw cause;
  return null;
}
