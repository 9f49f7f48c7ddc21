import { spawn } from 'node:child_process';
import type { CapturedBlock } from '../../core/batch/seal-batch.ts';
import type { Runtime } from '../../core/ports/runtime.ts';
import { createWakeup } from '../steps/wakeup.ts';
import type { Source } from './source.ts';

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

type Outcome = { readonly output: Uint8Array } | { readonly problem: string };

/**
 * A shell command, run again and again; what it prints is one block, nameless (cut into consecutive blocks above the block
 * size), so that all runs together are the stream of what it printed. A run that fails, takes too long or prints too much
 * is reported and not recorded; neither is one that prints nothing.
 */
export function runCommand(command: string, options: CommandOptions): Source {
  return {
    description: `cmd:${command}`,
    async run({ runtime, queue, clock, report }, { once }, signal) {
      const wakeup = createWakeup(runtime);
      const times = options.times ?? (once ? 1 : Number.POSITIVE_INFINITY);
      for (let run = 1; !signal.aborted; run++) {
        const startedMs = runtime.monotonicMs();
        const stamp = clock.stamp();
        const outcome = await runOnce(runtime, command, options, signal);
        if (signal.aborted) return;
        if ('problem' in outcome) report({ event: 'skipped', what: 'command', reason: outcome.problem });
        else if (outcome.output.length > 0) {
          const blocks = cutOutput(outcome.output, options.blockBytes).map(
            (content): CapturedBlock => ({ content, meta: stamp }),
          );
          await queue.capture({ blocks, streamBytes: outcome.output.length });
        }
        if (run === times) return;
        await wakeup.wait(options.everyMs - (runtime.monotonicMs() - startedMs), signal);
      }
    },
  };
}

function runOnce(
  runtime: Pick<Runtime, 'after'>,
  command: string,
  options: CommandOptions,
  signal: AbortSignal,
): Promise<Outcome> {
  return new Promise((resolve) => {
    // A group of its own, so that what the command starts ends with it.
    const child = spawn('/bin/sh', ['-c', command], { stdio: ['ignore', 'pipe', 'ignore'], detached: true });
    const parts: Buffer[] = [];
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
    child.stdout.on('data', (part: Buffer) => {
      bytes += part.length;
      if (bytes > options.maxOutputBytes) stop(`It printed more than ${options.maxOutputBytes} bytes.`);
      else parts.push(part);
    });
    const finish = (reason: string | null): void => {
      timer.stop();
      signal.removeEventListener('abort', onAbort);
      resolve(reason === null ? { output: Buffer.concat(parts) } : { problem: reason });
    };
    child.on('error', (cause) =>
      finish(`It cannot be started: ${(cause as NodeJS.ErrnoException).code ?? 'unknown'}.`),
    );
    child.on('close', (code, killedBy) => {
      if (problem !== null) finish(problem);
      else if (code !== 0) finish(code === null ? `It was ended by ${killedBy}.` : `It ended with code ${code}.`);
      else finish(null);
    });
  });
}

function cutOutput(output: Uint8Array, blockBytes: number): Uint8Array[] {
  const blocks: Uint8Array[] = [];
  for (let at = 0; at < output.length; at += blockBytes) blocks.push(output.subarray(at, at + blockBytes));
  return blocks;
}
