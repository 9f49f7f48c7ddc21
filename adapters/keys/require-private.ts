import type { Stats } from 'node:fs';
import { FileError } from '../../core/errors.ts';

/**
 * Refuses a file or folder with secrets that others could read or write, or that belongs to somebody else. A file is looked
 * at through its descriptor, where it is open already: a name may lead elsewhere a moment later.
 * @throws FileError
 */
export function requirePrivate(path: string, stat: Stats): void {
  if ((stat.mode & 0o077) !== 0) {
    const wanted = stat.isDirectory() ? '0700' : '0600';
    const shown = (stat.mode & 0o777).toString(8).padStart(4, '0');
    throw new FileError(
      `${path} has mode ${shown}, so others can use it; it must be ${wanted}. Run: chmod ${wanted.slice(1)} ${path}`,
    );
  }
  const user = process.getuid?.();
  if (user !== undefined && stat.uid !== user) {
    throw new FileError(`${path} belongs to user ${stat.uid}, not to you (${user}).`);
  }
}
