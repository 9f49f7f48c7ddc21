import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';

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

/** What a command ended with, and all that it said. */
export interface Said {
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the command line to its end. */
export type RunCommand = (
  args: readonly string[],
  env: Record<string, string>,
  input: string,
  timeoutMs: number,
) => Promise<Said>;

let runCommand: RunCommand = runProcess;

/** From here on commands that end are run by this; those that go on, as the stack does, have processes of their own as ever. */
export function runCommandsBy(run: RunCommand): void {
  runCommand = run;
}

/** Runs `plumb … --json`, as a user would where nothing else was said: in a process of its own. */
export async function runPlumb(args: readonly string[], options: RunOptions = {}): Promise<Finished> {
  const { env = {}, input = '', timeoutMs = 60_000 } = options;
  const { exitCode, stdout, stderr } = await runCommand([...args, '--json'], { ...env }, input, timeoutMs);
  const lines = stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line));
  return { exitCode: exitCode ?? -1, lines, stderr: stderr.slice(-4000) };
}

async function runProcess(
  args: readonly string[],
  env: Record<string, string>,
  input: string,
  timeoutMs: number,
): Promise<Said> {
  const child = start(args, env);
  const said = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const) {
    child[name]?.setEncoding('utf8').on('data', (text: string) => {
      said[name] += text;
    });
  }
  child.stdin?.on('error', () => {});
  child.stdin?.end(input);
  const timer = setTimeout(() => child.kill('SIGKILL'), timeoutMs);
  const [exitCode] = (await once(child, 'close')) as [number | null];
  clearTimeout(timer);
  return { exitCode, ...said };
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
  return start([...args, '--json'], env);
}

function start(args: readonly string[], env: Readonly<Record<string, string>>): ChildProcess {
  return spawn(PLUMB, args, {
    stdio: ['pipe', 'pipe', 'pipe'],
    // Out of the terminal's process group: an interrupt is the demo's to handle, in its order.
    detached: true,
    env: { ...process.env, ...env },
  });
}
