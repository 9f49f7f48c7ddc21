import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

const PLUMB = join(import.meta.dirname, '..', '..', 'bin', 'plumb');

/** What a command said under --json, and how it ended. */
export interface Finished {
  readonly exitCode: number;
  readonly lines: readonly Record<string, unknown>[];
  readonly stderr: string;
}

export interface RunOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly input?: string;
  readonly timeoutMs?: number;
}

/** Runs `plumb … --json` as a user would, in a process of its own. */
export async function runPlumb(args: readonly string[], options: RunOptions = {}): Promise<Finished> {
  const child = startPlumb(args, options.env ?? {});
  const lines: Record<string, unknown>[] = [];
  let stderr = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    stderr = (stderr + text).slice(-4000);
  });
  const reading = (async () => {
    for await (const line of createInterface({ input: child.stdout as NodeJS.ReadableStream }))
      lines.push(JSON.parse(line));
  })();
  child.stdin?.on('error', () => {});
  child.stdin?.end(options.input ?? '');
  const timer = setTimeout(() => child.kill('SIGKILL'), options.timeoutMs ?? 60_000);
  const [code] = (await once(child, 'close')) as [number | null];
  clearTimeout(timer);
  await reading;
  return { exitCode: code ?? -1, lines, stderr };
}

/** The one object of a command that succeeded. @throws when it ended otherwise, with what it said */
export async function plumb<T>(args: readonly string[], options: RunOptions = {}): Promise<T> {
  const { exitCode, lines, stderr } = await runPlumb(args, options);
  const last = lines.at(-1);
  if (exitCode !== 0 || last === undefined) {
    throw new Error(
      `plumb ${args.slice(0, 2).join(' ')} ended with ${exitCode}: ${JSON.stringify(last ?? null)} ${stderr}`,
    );
  }
  return last as T;
}

/** Starts a command that goes on; its lines are the caller's to read. */
export function startPlumb(args: readonly string[], env: Readonly<Record<string, string>>): ChildProcess {
  return spawn(PLUMB, [...args, '--json'], {
    stdio: ['pipe', 'pipe', 'pipe'],
    // Out of the terminal's process group: an interrupt is the demo's to handle, in its order.
    detached: true,
    env: { ...process.env, ...env },
  });
}
