import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';
import type { Runtime } from '../../core/ports/runtime.ts';

/** The machine's own clocks, timers and chance. */
export const nodeRuntime: Runtime = {
  nowMs: Date.now,
  monotonicMs: () => performance.now(),
  sleep: async (ms, signal) => {
    await sleep(ms, undefined, signal === undefined ? {} : { signal });
  },
  after(ms, run) {
    const timer = setTimeout(run, ms);
    return { stop: () => clearTimeout(timer) };
  },
  timeout: (ms) => AbortSignal.timeout(ms),
  nextTurn: () => nextTurn(),
  random: Math.random,
};
