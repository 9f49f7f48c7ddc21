import { closeSync, openSync, statSync } from 'node:fs';
import { requirePrivate } from '../../adapters/keys/require-private.ts';

/**
 * Makes an empty file that only this user can read, unless there is one. SQLite gives its log the same mode.
 * @throws FileError when the file there belongs to someone else or can be read by others
 */
export function createPrivateFile(path: string): void {
  try {
    closeSync(openSync(path, 'wx', 0o600));
    return;
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'EEXIST') throw cause;
  }
  requirePrivate(path, statSync(path));
}
