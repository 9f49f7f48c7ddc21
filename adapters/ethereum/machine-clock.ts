import type { Runtime } from '../../core/ports/runtime.ts';

/** What is waited by between two questions. */
export type WaitingClock = Pick<Runtime, 'monotonicMs' | 'sleep'>;

/** This machine's clock, wherever it runs: in a browser, too. */
export const machineClock: WaitingClock = {
  monotonicMs: () => performance.now(),
  sleep: (ms, signal) =>
    new Promise((resolve, reject) => {
      if (signal?.aborted === true) return reject(signal.reason);
      const end = (): void => {
        clearTimeout(timer);
        reject(signal?.reason);
      };
      const timer = setTimeout(() => {
        signal?.removeEventListener('abort', end);
        resolve();
      }, ms);
      signal?.addEventListener('abort', end, { once: true });
    }),
};
