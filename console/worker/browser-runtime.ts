import type { Runtime } from '../../core/ports/runtime.ts';

/** The browser's clocks and timers, as the service's client needs them. */
export const browserRuntime: Pick<Runtime, 'nowMs' | 'monotonicMs' | 'timeout'> = {
  nowMs: Date.now,
  monotonicMs: () => performance.now(),
  timeout: (ms) => AbortSignal.timeout(ms),
};
