import { ArgumentError, FileError } from '../../../core/errors.ts';
import type { Directories } from '../../../core/ports/directories.ts';

/**
 * Makes sure that a directory may be captured.
 * @throws FileError when it is not there, or no directory
 * @throws ArgumentError when it holds what must never be captured
 */
export async function requireDirectory(
  directories: Pick<Directories, 'kindOf' | 'resolve'>,
  directory: string,
  keepOut: readonly string[],
): Promise<void> {
  const kind = await directories.kindOf(directory);
  if (kind === null) throw new FileError(`There is no directory ${directory}. Create it, or name another.`);
  if (kind !== 'directory') throw new FileError(`${directory} is not a directory. Name the directory to watch.`);
  const root = `${await directories.resolve(directory)}/`;
  for (const path of keepOut) {
    if (!(await directories.resolve(path)).startsWith(root)) continue;
    throw new ArgumentError(
      `The directory ${directory} holds the device's own ${path}, which is secret. Watch another directory.`,
    );
  }
}
