import type { Runtime } from '../../core/ports/runtime.ts';

/** Lets one loop sleep until there is work, a time has passed, or it is told to stop. */
export interface Wakeup {
  notify(): void;
  /** Resolves when notified (also if that was before the call), after `timeoutMs`, or when aborted; never rejects. */
  wait(timeoutMs: number, signal: AbortSignal): Promise<void>;
}

// Longer timers overflow and fire at once.
const LONGEST_MS = 2 ** 31 - 1;

export function createWakeup(runtime: Pick<Runtime, 'after'>): Wakeup {
  let notified = false;
  let wake: (() => void) | null = null;
  return {
    notify() {
      notified = true;
      wake?.();
    },
    async wait(timeoutMs, signal) {
      if (!notified && !signal.aborted && timeoutMs > 0) {
        await new Promise<void>((resolve) => {
          const done = (): void => {
            timer.stop();
            signal.removeEventListener('abort', done);
            wake = null;
            resolve();
          };
          const timer = runtime.after(Math.min(timeoutMs, LONGEST_MS), done);
          signal.addEventListener('abort', done);
          wake = done;
        });
      }
      notified = false;
    },
  };
}
