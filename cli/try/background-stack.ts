import { spawn } from 'node:child_process';
import { closeSync, existsSync, mkdirSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import * as z from 'zod';
import { isLockHeld } from '../../adapters/sqlite/hold-lock.ts';
import { StateError } from '../../core/errors.ts';
import type { StackFile } from '../../core/wire/stack-file.ts';
import { readStackFile } from '../../library/connection.ts';
import type { TryFolder } from './try-folder.ts';

const POLL_MS = 25;
const START_TIMEOUT_MS = 60_000;
const STOP_TIMEOUT_MS = 30_000;
/** Blocks follow this fast, so that what is recorded is final within a second. */
const BLOCK_TIME_MS = 200;
const MOST_SAID_CHARS = 600;

const holder = z.object({ pid: z.int().min(2) });

/** A stack of a process of its own, which outlives this one. */
export interface BackgroundStack {
  readonly stack: StackFile;
  readonly pid: number | null;
  /** Whether this call has started it; else it was running. */
  readonly isNew: boolean;
}

/**
 * The stack of a folder: the one that runs, or a new process, which goes on when this one ends and has no terminal. It listens on
 * loopback alone. Interrupted before it is ready, it is ended again.
 * @throws StateError with what it said when it does not come up
 */
export async function startInBackground(folder: TryFolder, signal: AbortSignal): Promise<BackgroundStack> {
  const isNew = !isRunning(folder);
  const failed = isNew ? spawnStack(folder) : null;
  try {
    const untilMs = performance.now() + START_TIMEOUT_MS;
    while (!(existsSync(folder.stackFile) && isRunning(folder))) {
      signal.throwIfAborted();
      const reason =
        failed?.() ?? (performance.now() > untilMs ? `It was not ready within ${START_TIMEOUT_MS} ms.` : null);
      if (reason !== null) throw new StateError(`The stack did not start. ${reason} ${lastSaid(folder)}`);
      await sleep(POLL_MS);
    }
    return { stack: await readStackFile(folder.stackFile), pid: pidOf(folder), isNew };
  } catch (error) {
    if (isNew) await stopInBackground(folder);
    throw error;
  }
}

/** Ends the stack of a folder and waits until it has let go of it. @returns its process, or null when none runs */
export async function stopInBackground(folder: TryFolder): Promise<number | null> {
  if (!isRunning(folder)) return null;
  // The lock is held, so the file that its holder wrote names a process that lives; it comes a moment after the lock.
  const untilMs = performance.now() + STOP_TIMEOUT_MS;
  let told: number | null = null;
  while (isRunning(folder)) {
    const pid = pidOf(folder);
    if (pid !== null && told !== pid) {
      process.kill(pid, 'SIGTERM');
      told = pid;
    }
    if (performance.now() > untilMs) {
      throw new StateError(
        `The stack (process ${told ?? 'unknown'}) did not end within ${STOP_TIMEOUT_MS} ms. Try again.`,
      );
    }
    await sleep(POLL_MS);
  }
  // It lets go of the folder a moment before it has ended.
  while (told !== null && isAlive(told) && performance.now() < untilMs) await sleep(POLL_MS);
  return told;
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

export function isRunning({ stackFolder }: TryFolder): boolean {
  return isLockHeld(join(stackFolder, 'stack.lock'));
}

/** @returns tells why it has ended; null while it runs */
function spawnStack({ stackFolder, stackLog }: TryFolder): () => string | null {
  mkdirSync(stackFolder, { recursive: true, mode: 0o700 });
  const log = openSync(stackLog, 'a', 0o600);
  const program = process.argv[1] as string;
  const command = ['local', 'up', '--data', stackFolder, '--block-time', String(BLOCK_TIME_MS), '--json'];
  // In a session of its own: neither Ctrl-C here nor the end of the terminal reaches it.
  const child = spawn(process.execPath, [...process.execArgv, program, ...command], {
    detached: true,
    stdio: ['ignore', log, log],
  });
  closeSync(log);
  let ended: string | null = null;
  child.once('error', (error) => {
    ended = `Its process cannot be started: ${error.message}.`;
  });
  child.once('exit', (code, killedBy) => {
    ended = `It ended with ${code ?? killedBy}.`;
  });
  child.unref();
  return () => ended;
}

function pidOf({ stackFolder }: TryFolder): number | null {
  try {
    return holder.parse(JSON.parse(readFileSync(join(stackFolder, 'stack.pid'), 'utf8'))).pid;
  } catch {
    // Not written yet, or removed in this moment.
    return null;
  }
}

function lastSaid({ stackLog }: TryFolder): string {
  try {
    const said = readFileSync(stackLog, 'utf8').trim().split('\n').at(-1) ?? '';
    return `${stackLog} says: ${said.slice(0, MOST_SAID_CHARS)}`;
  } catch {
    return `${stackLog} is empty.`;
  }
}
