import { type ChildProcess, spawn } from 'node:child_process';
import type { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { StoreUnavailableError } from '../../core/errors.ts';

export interface DaemonOptions {
  /** What messages call it. */
  readonly name: string;
  readonly command: string;
  readonly parameters: readonly string[];
  /** Secrets come this way, never as parameters. */
  readonly env?: Readonly<Record<string, string>>;
  readonly folder?: string;
  /** Looks once whether it is up; asked again until it is. */
  readonly isReady: (signal: AbortSignal) => Promise<boolean>;
  readonly startTimeoutMs?: number;
}

export interface Daemon {
  readonly pid: number;
  /** Settles when the process has ended, whoever ended it. */
  readonly exited: Promise<void>;
  /** The end of what it said on standard output and error. */
  said(): string;
  /** It and all it started stop answering, and keep their connections and all they have, until `thaw`. */
  freeze(): void;
  thaw(): void;
  /** Ends it and all it started: asks first, kills after ten seconds; SIGKILL at once when told so. Can be repeated. */
  stop(signal?: 'SIGTERM' | 'SIGKILL'): Promise<void>;
}

const START_TIMEOUT_MS = 60_000;
const STOP_TIMEOUT_MS = 10_000;
const LOOK_EVERY_MS = 50;
const MAX_OUTPUT_CHARS = 8_000;

// The shell becomes the program. Beside it waits `cat` for the end of a pipe that this process holds: when this process dies,
// however it dies, the whole group is told to end, and after five seconds made to.
const DIE_WITH_PARENT = `exec 3<&0
(trap '' TERM; cat <&3 >/dev/null; kill -TERM -$$; for i in 1 2 3 4 5; do sleep 1; kill -0 $$ || break; done; kill -KILL -$$) >/dev/null 2>&1 &
exec 3<&-
exec "$0" "$@" </dev/null`;

/** Starts a program in a process group of its own, and waits until it is up. @throws StoreUnavailableError with what it said */
export async function startDaemon(options: DaemonOptions): Promise<Daemon> {
  const { name, command, parameters, env = {}, folder, isReady, startTimeoutMs = START_TIMEOUT_MS } = options;
  const child = spawn('/bin/sh', ['-c', DIE_WITH_PARENT, command, ...parameters], {
    stdio: ['pipe', 'pipe', 'pipe'],
    detached: true,
    env: { PATH: process.env.PATH, HOME: process.env.HOME, ...env },
    ...(folder === undefined ? {} : { cwd: folder }),
  });
  let said = '';
  const hear = (text: string) => {
    said = (said + text).slice(-MAX_OUTPUT_CHARS);
  };
  // Listened to as long as it runs: a full pipe would stop it.
  child.stdout.setEncoding('utf8').on('data', hear);
  child.stderr.setEncoding('utf8').on('data', hear);
  child.stdin.on('error', () => {});
  // What forgot to stop it ends all the same, and takes it along.
  child.unref();
  for (const pipe of [child.stdin, child.stdout, child.stderr]) (pipe as unknown as Socket).unref();
  const exited = new Promise<void>((resolve) => {
    child.once('error', (error) => {
      hear(error.message);
      resolve();
    });
    child.once('exit', () => resolve());
  });
  // Whatever it started goes with it.
  exited.then(() => signalGroup(child, 'SIGKILL'));
  const daemon: Daemon = {
    pid: child.pid ?? 0,
    exited,
    said: () => said.trim().slice(-2_000) || 'nothing',
    freeze: () => signalGroup(child, 'SIGSTOP'),
    thaw: () => signalGroup(child, 'SIGCONT'),
    async stop(signal = 'SIGTERM') {
      signalGroup(child, signal);
      // Frozen, it would not hear that.
      signalGroup(child, 'SIGCONT');
      const timer = setTimeout(() => signalGroup(child, 'SIGKILL'), STOP_TIMEOUT_MS);
      await exited;
      clearTimeout(timer);
      child.stdin.destroy();
    },
  };
  try {
    await untilReady(daemon, name, isReady, startTimeoutMs);
    return daemon;
  } catch (error) {
    await daemon.stop('SIGKILL');
    throw error;
  }
}

/** True when an address answers with a status below 500 (or with the one named). */
export async function answersHttp(url: string, signal: AbortSignal, status?: number): Promise<boolean> {
  try {
    const answer = await fetch(url, { signal });
    await answer.body?.cancel();
    return status === undefined ? answer.status < 500 : answer.status === status;
  } catch {
    return false;
  }
}

async function untilReady(daemon: Daemon, name: string, isReady: DaemonOptions['isReady'], timeoutMs: number) {
  const failed = (what: string) => new StoreUnavailableError(`${name} ${what}. It said: ${daemon.said()}`);
  let ended = false;
  daemon.exited.then(() => {
    ended = true;
  });
  const untilMs = performance.now() + timeoutMs;
  while (!(await isReady(AbortSignal.timeout(2_000)).catch(() => false))) {
    if (ended) throw failed('ended before it was ready');
    if (performance.now() > untilMs) throw failed(`was not ready within ${timeoutMs} ms`);
    await sleep(LOOK_EVERY_MS);
  }
  // What answered may be another program that has taken the port meanwhile.
  if (ended) throw failed('ended before it was ready');
}

function signalGroup({ pid }: ChildProcess, signal: NodeJS.Signals): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, signal);
  } catch {
    // Nobody is left in it.
  }
}
