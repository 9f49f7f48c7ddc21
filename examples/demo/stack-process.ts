import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { startPlumb } from './plumb-process.ts';

export interface StackProcess {
  readonly stackFile: string;
  readonly apiUrl: string;
  /** Settles with its exit code or signal, whoever ended it. */
  readonly exited: Promise<number | string>;
  /** Ends it as Ctrl-C does. */
  stop(): Promise<void>;
}

/** Starts `plumb local up` and waits until it is ready. */
export async function startStackProcess(folder: string, blockTimeMs: number): Promise<StackProcess> {
  const child = startPlumb(['local', 'up', '--data', folder, '--block-time', String(blockTimeMs)], {});
  const exited = once(child, 'exit').then(([code, signal]) => (code ?? signal) as number | string);
  let stderr = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    stderr = (stderr + text).slice(-4000);
  });
  const lines = createInterface({ input: child.stdout as NodeJS.ReadableStream });
  const timer = setTimeout(() => child.kill('SIGKILL'), 30_000);
  for await (const line of lines) {
    const said = JSON.parse(line) as { event?: string; stackFile?: string; apiUrl?: string };
    if (said.event !== 'ready') throw new Error(`The stack does not start: ${line} ${stderr}`);
    clearTimeout(timer);
    return { stackFile: said.stackFile as string, apiUrl: said.apiUrl as string, exited, stop: () => stop(child) };
  }
  clearTimeout(timer);
  throw new Error(`The stack ended before it was ready. ${stderr}`);
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  // Its output is not read any more; a full pipe must not keep it from ending.
  child.stdout?.resume();
  const closed = once(child, 'exit');
  child.kill('SIGINT');
  const timer = setTimeout(() => child.kill('SIGKILL'), 15_000);
  await closed;
  clearTimeout(timer);
}
