import { closeSync, openSync, statSync } from 'node:fs';
import { requirePrivate } from '../../adapters/keys/require-private.ts';
import { FileError } from '../../core/errors.ts';

/**
 * Makes an empty file that only this user can read, unless there is one. SQLite gives its log the same mode.
 * @returns whether it was made
 * @throws FileError when it cannot be made, or the file there belongs to someone else or can be read by others
 */
export function createPrivateFile(path: string): boolean {
  try {
    closeSync(openSync(path, 'wx', 0o600));
    return true;
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code ?? 'unknown error';
    if (code !== 'EEXIST') throw new FileError(`${path} cannot be created (${code}). Give another path.`, { cause });
  }
  requirePrivate(path, statSync(path));
  return false;
}
