import { DatabaseSync } from 'node:sqlite';

const SQLITE_BUSY = 5;

/** Whether a process holds the file now. Looking takes it from nobody. */
export function isLockHeld(path: string): boolean {
  let lock: DatabaseSync | null = null;
  try {
    lock = new DatabaseSync(path, { readOnly: true, timeout: 0 });
    lock.prepare('SELECT 1 FROM sqlite_schema').get();
    return false;
  } catch (cause) {
    return (cause as { errcode?: number }).errcode === SQLITE_BUSY;
  } finally {
    lock?.close();
  }
}

/**
 * Holds an existing file so that no second process does; null when one has it. The lock is the kernel's, taken through
 * SQLite: it ends with the process, however that ends, and leaves nothing stale behind.
 */
export function holdLock(path: string): (() => void) | null {
  // Whoever looks (isLockHeld) has it for a moment.
  const lock = new DatabaseSync(path, { timeout: 200 });
  try {
    lock.exec('BEGIN EXCLUSIVE');
  } catch (cause) {
    lock.close();
    if ((cause as { errcode?: number }).errcode !== SQLITE_BUSY) throw cause;
    return null;
  }
  return () => lock.close();
}
