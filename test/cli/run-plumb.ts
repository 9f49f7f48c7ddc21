import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { bundleProgram } from '../../dev/tests/bundle-program.ts';
import { runHere } from './run-here.ts';

const ROOT = join(import.meta.dirname, '..', '..');
const PLUMB = join(ROOT, 'bin', 'plumb');

export interface Ended {
  readonly exitCode: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

const LONGEST_MS = 120_000;

/**
 * Runs the command line to its end, with nothing of this process's environment that concerns it: in this process, as starting
 * another is most of what a command takes (run-here.ts). For what is about the process itself there is `runPlumbProcess`.
 */
export async function runPlumb(args: readonly string[], env: Record<string, string> = {}, input = ''): Promise<Ended> {
  if (goesOn(args)) return runPlumbProcess(args, env, input);
  const { promise: late, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error(`plumb ${args.join(' ')} does not end.`)), LONGEST_MS);
  try {
    return { signal: null, ...(await Promise.race([runHere(args, { ...cleanEnvironment(), ...env }, input), late])) };
  } finally {
    clearTimeout(timer);
  }
}

/** Runs the command line as a user does: a process, with nothing of this one's environment that concerns it. */
export async function runPlumbProcess(
  args: readonly string[],
  env: Record<string, string> = {},
  input = '',
): Promise<Ended> {
  const child = spawnPlumb(args, env);
  let stdout = '';
  let stderr = '';
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  child.stdin?.on('error', () => {});
  child.stdin?.end(input);
  const timer = setTimeout(() => child.kill('SIGKILL'), LONGEST_MS);
  const [exitCode, signal] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null];
  clearTimeout(timer);
  return { exitCode, signal, stdout, stderr };
}

/** Starts the command line in a process of its own, from its bundle; what README begins with as it says, from the sources. */
export function spawnPlumb(args: readonly string[], env: Record<string, string> = {}): ChildProcess {
  const options: SpawnOptions = { stdio: ['pipe', 'pipe', 'pipe'], env: { ...cleanEnvironment(), ...env } };
  if (args[0] === 'try') return spawn(PLUMB, args, options);
  const [node, ...program] = plumbCommand();
  return spawn(node, [...program, ...args], options);
}

/** Until it is told to end, or with a stack that it starts for itself: this is a process's life. */
function goesOn([part, command]: readonly string[]): boolean {
  return part === 'serve' || part === 'try' || (part === 'local' && command === 'up');
}

function cleanEnvironment(): NodeJS.ProcessEnv {
  const { PLUMB_HOME: _, PLUMB_STACK: __, PLUMB_PASSWORD_FILE: ___, XDG_RUNTIME_DIR: ____, ...rest } = process.env;
  return rest;
}

/** The program and its first arguments, for what starts it in another way. */
export function plumbCommand(): [string, ...string[]] {
  program ??= bundleProgram(join(ROOT, 'cli', 'plumb.ts'));
  return [process.execPath, program];
}

let program: string | null = null;

/** A stack in a process of its own. */
export interface StackUnderTest {
  readonly child: ChildProcess;
  readonly stackFile: string;
  /** Sends a signal and waits until the process has ended. */
  end(signal: NodeJS.Signals): Promise<number | null>;
}

export async function startStackUnderTest(folder: string): Promise<StackUnderTest> {
  const child = spawnPlumb(['local', 'up', '--data', folder, '--block-time', '200', '--json']);
  const exited = once(child, 'exit');
  let stderr = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  const timer = setTimeout(() => child.kill('SIGKILL'), 60_000);
  for await (const line of createInterface({ input: child.stdout as NodeJS.ReadableStream })) {
    clearTimeout(timer);
    const said = JSON.parse(line);
    if (said.event !== 'ready') throw new Error(`not ready: ${line}`);
    return {
      child,
      stackFile: said.stackFile,
      async end(signal) {
        child.stdout?.resume();
        child.kill(signal);
        const [code] = (await exited) as [number | null];
        return code;
      },
    };
  }
  throw new Error(`The stack ended before it was ready: ${stderr}`);
}
