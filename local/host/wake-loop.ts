import type { Observer } from '../../functions/observe/observer.ts';
import type { LocalFunction } from './invoke-function.ts';

export interface WakeLoop {
  /** Runs the function soon; wake-ups that come while it runs make one more run, which is told of all their reasons. */
  wake(reason?: string): void;
  /** Stops, and waits for the run under way, but not longer than that; it may be cut off anywhere. */
  close(timeoutMs: number): Promise<void>;
}

/** Time has passed. */
const TIME = 'time';

/** Runs a function every so often and when it is woken, one run at a time: what a FIFO queue does in AWS. */
export function startWakeLoop(woken: LocalFunction, everyMs: number, observer: Observer): WakeLoop {
  let running: Promise<void> | null = null;
  let reasons = new Set<string>();
  let closed = false;

  const run = async () => {
    try {
      do {
        const Records = [...reasons].map((reason) => ({ messageId: reason, body: JSON.stringify({ reason }) }));
        reasons = new Set();
        await woken
          .invoke({ Records })
          .catch((error) => observer.error('function failed', { function: woken.row.name, error }));
      } while (reasons.size > 0 && !closed);
    } finally {
      // Whatever happens in a run, the next wake-up begins another.
      running = null;
    }
  };
  const wake = (reason = TIME) => {
    if (closed) return;
    reasons.add(reason);
    running ??= run();
  };
  // A run that is still under way needs no second one just because time has passed.
  const timer = setInterval(() => running === null && wake(), everyMs);
  return {
    wake,
    async close(timeoutMs) {
      closed = true;
      clearInterval(timer);
      const late = Promise.withResolvers<void>();
      const giveUp = setTimeout(late.resolve, timeoutMs);
      await Promise.race([running, late.promise]);
      clearTimeout(giveUp);
    },
  };
}
