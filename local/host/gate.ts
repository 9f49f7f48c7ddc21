import { StoreUnavailableError } from '../../core/errors.ts';

/** Lets some in at a time, the others in the order in which they came. */
export interface Gate {
  /**
   * Runs when there is room.
   * @throws StoreUnavailableError when too many wait already, or no room came in time: then nothing was run
   */
  pass<T>(run: () => Promise<T>): Promise<T>;
}

export interface GateLimits {
  readonly atOnce: number;
  /** Whoever comes while so many wait is turned away. */
  readonly mostWaiting: number;
  readonly mostWaitMs: number;
}

export function createGate({ atOnce, mostWaiting, mostWaitMs }: GateLimits): Gate {
  let inside = 0;
  const waiting: (() => void)[] = [];
  const room = async (): Promise<void> => {
    if (inside < atOnce) {
      inside += 1;
      return;
    }
    if (waiting.length >= mostWaiting) {
      throw new StoreUnavailableError(`${waiting.length} requests of this kind wait already. Try again.`);
    }
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    waiting.push(resolve);
    const timer = setTimeout(() => {
      waiting.splice(waiting.indexOf(resolve), 1);
      reject(new StoreUnavailableError(`No turn came within ${mostWaitMs} ms. Try again.`));
    }, mostWaitMs);
    await promise.finally(() => clearTimeout(timer));
  };
  return {
    async pass(run) {
      await room();
      try {
        return await run();
      } finally {
        // Whoever waits takes the place over: the count stays.
        const next = waiting.shift();
        if (next === undefined) inside -= 1;
        else next();
      }
    },
  };
}
