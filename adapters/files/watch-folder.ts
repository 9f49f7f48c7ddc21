import { type FSWatcher, watch } from 'node:fs';
import { statfs } from 'node:fs/promises';
import type { Directories } from '../../core/ports/directories.ts';

/**
 * File systems whose every change goes through this machine's kernel (linux/magic.h; the last three from their own
 * sources); other systems number theirs otherwise. Of a share on the network, or one in user space, inotify tells only what this machine does.
 */
const TOLD: ReadonlySet<number> = new Set([
  ...[0xef53, 0x58465342, 0x9123683e, 0x01021994, 0x858458f6, 0x794c7630, 0xf2f52010],
  ...[0x4d44, 0x2011bab0, 0x7366746e, 0x3153464a, 0x24051905, 0x72b6, 0x2fc12fc1, 0xca451a4e],
]);

/** Inotify, one watch a directory. Null where changes come from elsewhere too, on other systems, and at the bound of watches. */
export const watchFolder: Directories['watch'] = async (path, onChange) => {
  let watcher: FSWatcher;
  try {
    if (!TOLD.has((await statfs(path)).type >>> 0)) return null;
    watcher = watch(path, { persistent: false, encoding: 'buffer' }, (_, name) => onChange(nameOf(name)));
  } catch {
    return null;
  }
  watcher.on('error', () => onChange(null));
  return { stop: () => watcher.close() };
};

function nameOf(bytes: Buffer | string | null): string | null {
  const name = bytes?.toString() ?? null;
  return name === null || !Buffer.from(name).equals(Buffer.from(bytes as Buffer)) ? null : name;
}
