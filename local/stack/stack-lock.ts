import { closeSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as z from 'zod';
import { holdLock } from '../../adapters/sqlite/hold-lock.ts';
import { PlumblineError } from '../../core/errors.ts';

export interface StackLock {
  /** The process that held the folder before and ended without letting go of it, or null. */
  readonly takenOverFrom: { readonly pid: number; readonly startedAtMs: number } | null;
  release(): Promise<void>;
}

/** Another process that is alive runs a stack in this folder. */
export class StackBusyError extends PlumblineError {
  override readonly name = 'StackBusyError';
  readonly kind = 'state';
}

const holderFile = z.object({ pid: z.int(), startedAtMs: z.int() });

/**
 * Takes a folder for this process. What locks is the kernel's lock on `stack.lock`, taken through SQLite: it ends with the
 * process however that ends, so a lock can be stale only in what it says, never in what it does. Who holds it stands in
 * `stack.pid`.
 * @throws StackBusyError naming the process that holds it
 */
export async function acquireStackLock(folder: string): Promise<StackLock> {
  const path = join(folder, 'stack.lock');
  const pidPath = join(folder, 'stack.pid');
  // SQLite would create it readable for others.
  closeSync(openSync(path, 'a', 0o600));
  const unlock = holdLock(path);
  if (unlock === null) throw busy(folder, readHolder(pidPath));
  const takenOverFrom = readHolder(pidPath);
  writeFileSync(pidPath, JSON.stringify({ pid: process.pid, startedAtMs: Date.now() }), { mode: 0o600 });
  let held = true;
  return {
    takenOverFrom,
    async release() {
      if (!held) return;
      held = false;
      rmSync(pidPath, { force: true });
      unlock();
    },
  };
}

function readHolder(pidPath: string): { pid: number; startedAtMs: number } | null {
  try {
    return holderFile.parse(JSON.parse(readFileSync(pidPath, 'utf8')));
  } catch {
    // Not there, or cut off by the end of its writer.
    return null;
  }
}

function busy(folder: string, holder: { pid: number; startedAtMs: number } | null): StackBusyError {
  const who =
    holder === null
      ? 'Another process'
      : `Process ${holder.pid}, started ${new Date(holder.startedAtMs).toISOString()},`;
  return new StackBusyError(`${who} is running a stack in ${folder}. Stop it first, or give another folder.`, {
    details: { folder, pid: holder?.pid ?? null },
  });
}
