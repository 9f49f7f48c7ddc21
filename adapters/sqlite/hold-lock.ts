import { DatabaseSync } from 'node:sqlite';

const SQLITE_BUSY = 5;

/**
 * Holds an existing file so that no second process does; null when one has it. The lock is the kernel's, taken through
 * SQLite: it ends with the process, however that ends, and leaves nothing stale behind.
 */
export function holdLock(path: string): (() => void) | null {
  const lock = new DatabaseSync(path, { timeout: 0 });
  try {
    lock.exec('BEGIN EXCLUSIVE');
  } catch (cause) {
    lock.close();
    if ((cause as { errcode?: number }).errcode !== SQLITE_BUSY) throw cause;
    return null;
  }
  return () => lock.close();
}
