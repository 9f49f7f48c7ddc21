import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';

/** How a server says that it is ready: by a line on standard output, or by answering at an address. */
export type Readiness = { line: RegExp } | { url: string };

const READY_TIMEOUT_MS = 30_000;
const POLL_MS = 25;

/** Starts a server, its secrets coming by environment, and waits until it is ready; `match` is what the line held. */
export async function startChild(
  command: string,
  args: readonly string[],
  env: Record<string, string>,
  ready: Readiness,
  onLine: (line: string) => void = () => undefined,
): Promise<{ child: ChildProcess; match: readonly string[] }> {
  const { PATH, NODE_COMPILE_CACHE } = process.env;
  const child = spawn(command, args, {
    env: { PATH, NODE_COMPILE_CACHE, ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const given = new AbortController();
  const failed = Promise.withResolvers<never>();
  const fail = (why: string) => failed.reject(new Error(why));
  child.once('error', (error) => fail(`The server did not start: ${error.message}`));
  child.once('exit', (code, signal) => fail(`The server ended with ${code ?? signal} before it was ready.`));
  const timer = setTimeout(() => fail(`The server was not ready within ${READY_TIMEOUT_MS} ms.`), READY_TIMEOUT_MS);
  try {
    const waiting = 'line' in ready ? waitForLine(child, ready.line, onLine) : waitForAnswer(ready.url, given.signal);
    return { child, match: await Promise.race([waiting, failed.promise]) };
  } catch (error) {
    child.kill('SIGKILL');
    throw error;
  } finally {
    given.abort();
    failed.promise.catch(() => undefined);
    clearTimeout(timer);
  }
}

export async function killChild(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.kill('SIGKILL');
  await ended;
}

function waitForLine(child: ChildProcess, pattern: RegExp, onLine: (line: string) => void): Promise<readonly string[]> {
  const found = Promise.withResolvers<readonly string[]>();
  createInterface({ input: child.stdout! }).on('line', (line) => {
    onLine(line);
    const match = pattern.exec(line);
    if (match !== null) found.resolve(match);
  });
  return found.promise;
}

async function waitForAnswer(url: string, signal: AbortSignal): Promise<readonly string[]> {
  while (!signal.aborted) {
    const status = await fetch(url, { signal }).then(
      (answer) => answer.status,
      () => 0,
    );
    if (status === 200) return [];
    await delay(POLL_MS);
  }
  return [];
}
