import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';

const EXAMPLES = join(import.meta.dirname, '..', '..', 'examples');

interface Ended {
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Starts a program of examples/. */
export function startExample(
  name: string,
  args: readonly string[],
): { readonly child: ChildProcess; readonly ended: Promise<Ended> } {
  const child = spawn(process.execPath, [join(EXAMPLES, name), ...args], { stdio: 'pipe' });
  const ended = Promise.all([once(child, 'close'), text(child.stdout), text(child.stderr)]).then(
    ([[exitCode], stdout, stderr]): Ended => ({ exitCode, stdout, stderr }),
  );
  return { child, ended };
}

/** Runs a program of examples/ to its end, with this on its standard input. */
export function runExample(name: string, args: readonly string[], input: string): Promise<Ended> {
  const { child, ended } = startExample(name, args);
  child.stdin?.end(input);
  return ended;
}
