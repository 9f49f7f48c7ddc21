import { spawn } from 'node:child_process';
import type { CapturedBlock } from '../../core/batch/seal-batch.ts';
import { FileError } from '../../core/errors.ts';
import type { Runtime } from '../../core/ports/runtime.ts';
import { noteMissed } from '../outbox/left-out.ts';
import { noteStep } from '../outbox/note-step.ts';
import { createWakeup } from '../steps/wakeup.ts';
import type { Source } from './source.ts';
import { createTail } from './tail-of-text.ts';

export interface CommandOptions {
  /** From one start to the next; a run that takes longer delays the next one. */
  readonly everyMs: number;
  /** Runs after which the source ends; null: it never does (once, where everything present is wanted). */
  readonly times: number | null;
  readonly timeoutMs: number;
  readonly blockBytes: number;
  /** Output beyond this is a failure: nothing of it is kept. */
  readonly maxOutputBytes: number;
}

type Outcome = { readonly output: Uint8Array; readonly said: string } | { readonly problem: string };

/**
 * A shell command, run again and again; what it prints is one block, nameless (cut into consecutive blocks above the block
 * size), so that all runs together are the stream of what it printed. A run that fails, takes too long, prints too much or
 * prints nothing is reported with the last lines of what it said on standard error, counted, and not recorded. Where no run
 * gave anything, that is how the source fails.
 */
export function runCommand(command: string, options: CommandOptions): Source {
  let problem: string | null = null;
  let captured = false;
  return {
    description: `cmd:${command}`,
    async run(parts, { once }, signal) {
      const { runtime, queue, clock, outbox, report } = parts;
      const wakeup = createWakeup(runtime);
      const times = options.times ?? (once ? 1 : Number.POSITIVE_INFINITY);
      for (let run = 1, failures = 0; !signal.aborted; run++) {
        const startedMs = runtime.monotonicMs();
        const stamp = clock.stamp();
        const outcome = await runOnce(runtime, command, options, signal);
        if (signal.aborted) return;
        problem = problemOf(outcome);
        if (problem !== null) {
          failures++;
          report({ event: 'skipped', what: 'command', reason: problem });
          noteStep(parts, 'source', { reason: `The command captured nothing. ${problem}`, failures, kind: 'file' });
          // Counted by its first sentence, as what it said may differ each time.
          const [reason = problem, ...said] = problem.split(/(?<=\.) /);
          const what = ['command', ...said].join(': ');
          await queue.capture({ blocks: [], beside: () => noteMissed(outbox, what, reason, runtime.nowMs()) });
        } else if ('output' in outcome) {
          const blocks = cutOutput(outcome.output, options.blockBytes).map(
            (content): CapturedBlock => ({ content, meta: stamp }),
          );
          await queue.capture({ blocks, streamBytes: outcome.output.length });
          captured = true;
          if (failures > 0 || run === 1) noteStep(parts, 'source', null);
          failures = 0;
        }
        if (run === times) return;
        await wakeup.wait(options.everyMs - (runtime.monotonicMs() - startedMs), signal);
      }
    },
    failure() {
      if (captured || problem === null) return null;
      return new FileError(`Nothing was captured. Run the command by hand, as this device's user. ${problem}`);
    },
  };
}

function problemOf(outcome: Outcome): string | null {
  if ('problem' in outcome) return outcome.problem;
  return outcome.output.length > 0 ? null : `It printed nothing.${saidText(outcome.said)}`;
}

function runOnce(
  runtime: Pick<Runtime, 'after'>,
  command: string,
  options: CommandOptions,
  signal: AbortSignal,
): Promise<Outcome> {
  return new Promise((resolve) => {
    // A group of its own, so that what the command starts ends with it.
    const child = spawn('/bin/sh', ['-c', command], { stdio: ['ignore', 'pipe', 'pipe'], detached: true });
    const parts: Buffer[] = [];
    const said = createTail();
    let bytes = 0;
    let problem: string | null = null;
    const kill = (): void => {
      try {
        if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
      } catch {
        // It has ended by itself.
      }
    };
    const stop = (reason: string): void => {
      problem ??= reason;
      kill();
    };
    const onAbort = (): void => stop('The device is stopping.');
    const timer = runtime.after(options.timeoutMs, () => stop(`It ran longer than ${options.timeoutMs} ms.`));
    signal.addEventListener('abort', onAbort);
    child.stderr.on('data', said.add);
    child.stdout.on('data', (part: Buffer) => {
      bytes += part.length;
      if (bytes > options.maxOutputBytes) stop(`It printed more than ${options.maxOutputBytes} bytes.`);
      else parts.push(part);
    });
    const finish = (reason: string | null): void => {
      timer.stop();
      signal.removeEventListener('abort', onAbort);
      if (reason === null) resolve({ output: Buffer.concat(parts), said: said.text() });
      else resolve({ problem: `${reason}${saidText(said.text())}` });
    };
    child.on('error', (cause) =>
      finish(`It cannot be started: ${(cause as NodeJS.ErrnoException).code ?? 'unknown'}.`),
    );
    let isOver = false;
    const end = (): void => {
      if (isOver) return;
      isOver = true;
      child.stderr.destroy();
      const { exitCode: code, signalCode: killedBy } = child;
      if (problem !== null) finish(problem);
      else if (code !== 0) finish(code === null ? `${killedBy} ended it.` : `It ended with code ${code}.`);
      else finish(null);
    };
    child.on('close', end);
    // What it leaves running may hold standard error for ever; all that was printed is here.
    const endSoon = (): void => {
      if (child.stdout.closed && (child.exitCode !== null || child.signalCode !== null)) runtime.after(STDERR_MS, end);
    };
    child.on('exit', endSoon);
    child.stdout.on('close', endSoon);
  });
}

const STDERR_MS = 200;

function saidText(said: string): string {
  return said === '' ? '' : ` It said: ${said}`;
}

function cutOutput(output: Uint8Array, blockBytes: number): Uint8Array[] {
  const blocks: Uint8Array[] = [];
  for (let at = 0; at < output.length; at += blockBytes) blocks.push(output.subarray(at, at + blockBytes));
  return blocks;
}
