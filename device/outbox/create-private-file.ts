import { closeSync, openSync, statSync } from 'node:fs';
import { FileError } from '../../core/errors.ts';
import { OutboxMismatchError } from './errors.ts';

/**
 * Makes an empty file that only this user can read, unless there is one. SQLite gives its log the same mode.
 * @throws FileError when it cannot be made
 * @throws OutboxMismatchError when the file there belongs to someone else or can be read by others
 */
export function createPrivateFile(path: string): void {
  try {
    closeSync(openSync(path, 'wx', 0o600));
    return;
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code ?? 'unknown error';
    if (code !== 'EEXIST') throw new FileError(`${path} cannot be created (${code}). Name another place.`, { cause });
  }
  const { mode, uid } = statSync(path);
  if ((mode & 0o077) !== 0) {
    const shown = (mode & 0o777).toString(8).padStart(4, '0');
    throw new OutboxMismatchError(`${path} has mode ${shown}; it holds unencrypted data: chmod it to 0600.`);
  }
  const user = process.getuid?.();
  if (user !== undefined && uid !== user) throw new OutboxMismatchError(`${path} belongs to user ${uid}, not ${user}.`);
}
