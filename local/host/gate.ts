import { StoreUnavailableError } from '../../core/errors.ts';

/** Lets some in at a time, the others in the order in which they came. */
export interface Gate {
  /**
   * Runs when there is room.
   * @throws StoreUnavailableError when too many wait already, or no room came in time; the signal's reason when it was aborted
   *   before: then nothing was run
   */
  pass<T>(run: () => Promise<T>, signal?: AbortSignal): Promise<T>;
}

export interface GateLimits {
  readonly atOnce: number;
  /** Whoever comes while so many wait is turned away. */
  readonly mostWaiting: number;
  readonly mostWaitMs: number;
  /** How long a place stays empty after somebody who took so long; not at all when not given. */
  readonly restMs?: (tookMs: number) => number;
}

export function createGate({ atOnce, mostWaiting, mostWaitMs, restMs = () => 0 }: GateLimits): Gate {
  /** Places taken, those at rest included. */
  let inside = 0;
  const waiting: (() => void)[] = [];
  const room = async (signal?: AbortSignal): Promise<void> => {
    signal?.throwIfAborted();
    if (inside < atOnce) {
      inside += 1;
      return;
    }
    if (waiting.length >= mostWaiting) {
      throw new StoreUnavailableError(
        `Too many requests of this kind are already waiting (${waiting.length}). Try again.`,
      );
    }
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const giveUp = (reason: unknown): void => {
      const at = waiting.indexOf(resolve);
      if (at !== -1) waiting.splice(at, 1);
      reject(reason);
    };
    const abort = (): void => giveUp(signal?.reason);
    const late = new StoreUnavailableError(`The request had to wait more than ${mostWaitMs} ms. Try again.`);
    const timer = setTimeout(giveUp, mostWaitMs, late);
    signal?.addEventListener('abort', abort, { once: true });
    waiting.push(resolve);
    try {
      await promise;
    } finally {
      clearTimeout(timer);
      signal?.removeEventListener('abort', abort);
    }
  };
  const leave = (): void => {
    // Whoever waits takes the place over: the count stays.
    const next = waiting.shift();
    if (next === undefined) inside -= 1;
    else next();
  };
  return {
    async pass(run, signal) {
      await room(signal);
      const sinceMs = performance.now();
      try {
        return await run();
      } finally {
        const ms = restMs(performance.now() - sinceMs);
        if (ms === 0) leave();
        else setTimeout(leave, ms);
      }
    },
  };
}
