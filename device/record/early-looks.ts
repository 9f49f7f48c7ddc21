import type { Runtime } from '../../core/ports/runtime.ts';

/** So many in a row: a device that begins, or has little to do, need not wait. */
const MOST_AT_ONCE = 6;

/**
 * How often the chain may be asked because the service says that it is worth it. Whoever seals a batch a minute, and is told of a
 * round a minute, asks once in `everyMs`; a service that tells of what is not there buys no more.
 */
export interface EarlyLooks {
  /** Whether one may be made now; then it counts. */
  take(): boolean;
}

export function createEarlyLooks(runtime: Pick<Runtime, 'monotonicMs'>, everyMs: number): EarlyLooks {
  let left = MOST_AT_ONCE;
  let sinceMs = runtime.monotonicMs();
  return {
    take() {
      const more = Math.floor((runtime.monotonicMs() - sinceMs) / everyMs);
      if (more > 0) {
        left = Math.min(MOST_AT_ONCE, left + more);
        sinceMs += more * everyMs;
      }
      if (left === 0) return false;
      left--;
      return true;
    },
  };
}
