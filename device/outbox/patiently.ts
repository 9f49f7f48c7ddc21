import type { Runtime } from '../../core/ports/runtime.ts';
import type { Report } from '../events.ts';
import { ProvisionUnavailableError } from '../provision/read-provision.ts';
import { OutboxUnavailableError } from './errors.ts';
import type { StepName } from './note-step.ts';

/** How long a disk is left alone between two tries; not longer, as it costs nothing to ask it. */
const FIRST_MS = 500;
const MOST_MS = 10_000;

/**
 * Does what needs the device's files before any step does, and again for as long as their disk does not let it: full, read-only,
 * busy or failing, it may be well again by itself.
 * @throws what `work` throws otherwise; an `AbortError` when aborted
 */
export async function patiently<T>(
  { runtime, report }: { readonly runtime: Pick<Runtime, 'sleep' | 'random'>; readonly report: Report },
  work: () => T | Promise<T>,
  signal: AbortSignal,
  step: StepName = 'outbox',
): Promise<T> {
  for (let wholeMs = FIRST_MS; ; wholeMs = Math.min(2 * wholeMs, MOST_MS)) {
    try {
      return await work();
    } catch (cause) {
      if (!(cause instanceof OutboxUnavailableError || cause instanceof ProvisionUnavailableError)) throw cause;
      const inMs = Math.round(wholeMs * (0.5 + runtime.random() / 2));
      report({ event: 'retry', step, reason: cause.shortMessage, inMs });
      await runtime.sleep(inMs, signal);
    }
  }
}
