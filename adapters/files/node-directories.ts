import type { BigIntStats, Dirent } from 'node:fs';
import { type FileHandle, lstat, open, readdir, realpath, stat, unlink } from 'node:fs/promises';
import type { Directories, DirectoryEntry, FileState, OpenFile } from '../../core/ports/directories.ts';

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
  open: async (path) => openFile(await open(path, 'r')),
  async remove(path) {
    await unlink(path).catch(nullWhenGone);
  },
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
  const kind = entry.isDirectory() ? 'directory' : entry.isFile() ? 'file' : 'other';
  return { name, isUtf8: Buffer.from(name).equals(entry.name), kind };
}

function stateOf({ ino, size, mtimeNs }: BigIntStats): FileState {
  return { inode: ino, sizeBytes: Number(size), changedNs: mtimeNs };
}

function nullWhenGone(cause: NodeJS.ErrnoException): null {
  if (cause.code !== 'ENOENT' && cause.code !== 'ENOTDIR') throw cause;
  return null;
}
