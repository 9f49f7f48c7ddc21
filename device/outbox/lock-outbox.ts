import { DatabaseSync } from 'node:sqlite';
import { createPrivateFile } from './create-private-file.ts';
import { OutboxBusyError } from './errors.ts';

/**
 * Holds `path` so that no second process works on the outbox. The lock is the kernel's, taken through SQLite: it ends with
 * the process, however that ends, and leaves nothing stale behind.
 * @throws OutboxBusyError
 */
export function lockOutbox(path: string): () => void {
  createPrivateFile(path);
  const lock = new DatabaseSync(path, { timeout: 0 });
  try {
    lock.exec('BEGIN EXCLUSIVE');
  } catch (cause) {
    lock.close();
    if ((cause as { errcode?: number }).errcode !== SQLITE_BUSY) throw cause;
    throw new OutboxBusyError(`Another process has the outbox of ${path} open. Stop it first.`);
  }
  return () => lock.close();
}

const SQLITE_BUSY = 5;
