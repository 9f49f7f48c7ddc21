import { type ErrorKind, PlumblineError } from '../../core/errors.ts';
import type { Runtime } from '../../core/ports/runtime.ts';
import type { Report } from '../events.ts';
import { isMendable, type MendableError, OutboxDamagedError } from '../outbox/errors.ts';
import { noteStep, type StepName } from '../outbox/note-step.ts';
import type { Outbox } from '../outbox/open-outbox.ts';
import { createWakeup, type Wakeup } from './wakeup.ts';

export interface Backoff {
  readonly firstMs: number;
  readonly mostMs: number;
}

/** One of the device's loops. */
export interface Step {
  readonly name: StepName;
  readonly wakeup: Wakeup;
}

/** One look of a step. Answers for how many ms nothing is to be done, unless it is woken. */
export type Work = (signal: AbortSignal) => Promise<number>;

export function createStep(runtime: Pick<Runtime, 'after'>, name: StepName): Step {
  return { name, wakeup: createWakeup(runtime) };
}

/**
 * Repeats `work` until aborted, each time when it said, or when woken. When it fails, it is tried again after twice the last
 * pause, with jitter, so that a fleet
 * does not come back all at once. Damaged blocks are set aside first, and the work goes on without them; other damage to the
 * outbox ends it.
 */
export async function runStep(
  context: {
    readonly runtime: Pick<Runtime, 'nowMs' | 'after' | 'random'>;
    readonly outbox: Outbox;
    readonly report: Report;
    readonly backoff: Backoff;
    /** Sets damaged blocks aside. Answers whether that has changed anything. */
    readonly mend?: (cause: MendableError) => Promise<boolean>;
  },
  step: Step,
  work: Work,
  signal: AbortSignal,
): Promise<void> {
  let failures = 0;
  // A former run may have left word of a failure.
  let mended = false;
  while (!signal.aborted) {
    try {
      const restMs = await work(signal);
      if (!mended && !signal.aborted) noteStep(context, step.name, null);
      mended = true;
      failures = 0;
      await step.wakeup.wait(restMs, signal);
    } catch (cause) {
      if (signal.aborted) return;
      if (cause instanceof OutboxDamagedError) {
        if (context.mend === undefined || !isMendable(cause)) throw cause;
        // That may fail by the disk, too: then it is tried again like anything else.
        if (await context.mend(cause).catch(() => false)) continue;
      }
      failures++;
      mended = false;
      const inMs = pauseMs(context.runtime, context.backoff, failures);
      const reason = reasonOf(cause);
      noteStep(context, step.name, { reason, failures, kind: kindOf(cause) });
      context.report({ event: 'retry', step: step.name, reason, inMs });
      // Not its own wakeup: work that comes meanwhile must not shorten the pause.
      await createWakeup(context.runtime).wait(inMs, signal);
    }
  }
}

/** Between half and the whole of firstMs · 2^(failures - 1), at most mostMs. */
export function pauseMs(runtime: Pick<Runtime, 'random'>, backoff: Backoff, failures: number): number {
  const whole = Math.min(backoff.mostMs, backoff.firstMs * 2 ** Math.min(failures - 1, 30));
  return Math.round(whole * (0.5 + runtime.random() / 2));
}

/** Whose turn it is. What is no error of ours is a fault of the program. */
export function kindOf(cause: unknown): ErrorKind {
  return cause instanceof PlumblineError ? cause.kind : 'defect';
}

/** What went wrong, for a person. Only messages written on purpose are shown whole: others may quote what they read. */
export function reasonOf(cause: unknown): string {
  if (cause instanceof PlumblineError) return cause.shortMessage.slice(0, 500);
  if (cause instanceof Error) {
    const code = (cause as { code?: unknown }).code;
    return `${cause.name}${typeof code === 'string' ? ` ${code}` : ''}: ${cause.message}`.slice(0, 300);
  }
  return 'unknown error';
}
