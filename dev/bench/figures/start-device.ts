import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

/** `plumb device run` reading lines, one batch for each that it is given. */
export interface WritingDevice {
  /** Captures one batch; answers when it was sealed, on the clock of `performance.now()`. */
  write(): Promise<number>;
  stop(): Promise<void>;
}

const PLUMB = join(import.meta.dirname, '..', '..', '..', 'bin', 'plumb');
/** Blocks of a batch. */
export const BLOCKS = 16;
const BLOCK_BYTES = 1024;
const SEALED_TIMEOUT_MS = 60_000;
const STOP_TIMEOUT_MS = 10_000;

/** @param enter a shell's line that goes before the program */
export function startDevice(
  provision: string,
  options: { readonly record: 'direct' | 'relayed'; readonly enter: string },
): WritingDevice {
  const parameters = [
    ...['device', 'run', '--provision', provision, '--source', 'stdin', '--record', options.record, '--json'],
    ...[
      '--record-every',
      '1ms',
      '--poll',
      '200ms',
      '--batch-blocks',
      String(BLOCKS),
      '--block-bytes',
      `${BLOCK_BYTES}B`,
    ],
  ];
  const child = spawn('/bin/sh', ['-c', `${options.enter}\nexec "$0" "$@"`, PLUMB, ...parameters], {
    stdio: ['pipe', 'pipe', 'pipe'],
    // Out of the terminal's process group: an interrupt ends the measuring first.
    detached: true,
  });
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said = (said + text).slice(-2_000);
  });
  child.stdin.on('error', () => {});
  let sealed = Promise.withResolvers<number>();
  createInterface({ input: child.stdout }).on('line', (line) => {
    const at = performance.now();
    if ((JSON.parse(line) as { event: string }).event === 'sealed') sealed.resolve(at);
  });
  const ended = Promise.withResolvers<never>();
  child.once('exit', (code) => ended.reject(new Error(`The device ended with ${code}. ${said}`)));
  ended.promise.catch(() => {});
  let written = 0;
  return {
    async write() {
      sealed = Promise.withResolvers();
      const lines = Array.from({ length: BLOCKS }, () => `${++written} `.padEnd(BLOCK_BYTES - 1, 'x'));
      child.stdin.write(`${lines.join('\n')}\n`);
      const late = setTimeout(() => sealed.reject(new Error(`No batch was sealed. ${said}`)), SEALED_TIMEOUT_MS);
      return Promise.race([sealed.promise, ended.promise]).finally(() => clearTimeout(late));
    },
    stop: () => end(child),
  };
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), STOP_TIMEOUT_MS);
  await ended;
  clearTimeout(timer);
}
