import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';

/** Runs one measurement of this folder in a process of its own; answers what it says under --json. */
export async function runJson<T>(
  script: string,
  parameters: readonly string[],
  timeoutMs: number,
  signal: AbortSignal,
): Promise<T> {
  const child = spawn(process.execPath, [join(import.meta.dirname, script), ...parameters, '--json'], {
    stdio: ['ignore', 'pipe', 'pipe'],
    // Out of the terminal's process group: it is told to end by this process alone, and then stops its own parts.
    detached: true,
  });
  let said = '';
  let failed = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    said += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    failed = (failed + text).slice(-2_000);
  });
  const end = (): void => {
    // With it, what it started without a group of its own.
    if (child.pid !== undefined && child.exitCode === null) process.kill(-child.pid, 'SIGINT');
  };
  const timer = setTimeout(end, timeoutMs);
  signal.addEventListener('abort', end, { once: true });
  const [code] = (await once(child, 'close')) as [number | null];
  signal.removeEventListener('abort', end);
  clearTimeout(timer);
  signal.throwIfAborted();
  try {
    return JSON.parse(said) as T;
  } catch (cause) {
    throw new Error(`${script} ended with ${code} and no figure. ${failed}`, { cause });
  }
}
