import { holdLock, isLockHeld } from '../../adapters/sqlite/hold-lock.ts';
import { createPrivateFile } from './create-private-file.ts';
import { OutboxBusyError } from './errors.ts';

/**
 * Holds `path` so that no second process works on the outbox.
 * @throws OutboxBusyError
 */
export function lockOutbox(path: string): () => void {
  createPrivateFile(path);
  const unlock = holdLock(path);
  if (unlock === null) throw new OutboxBusyError(`Another process has the outbox of ${path} open. Stop it first.`);
  return unlock;
}

/** Whether a device works on an outbox now. */
export function isOutboxHeld(outboxPath: string): boolean {
  return isLockHeld(lockPathOf(outboxPath));
}

export function lockPathOf(outboxPath: string): string {
  return `${outboxPath}.lock`;
}
