/** Lets one piece of work at a time have what only one may have; the others wait, first come, first served. */
export interface Mutex {
  /** Runs `work` when all that came before has ended, however it ended, and answers what it answers. */
  run<T>(work: () => Promise<T>): Promise<T>;
}

export function createMutex(): Mutex {
  let last: Promise<unknown> = Promise.resolve();
  return {
    run(work) {
      const result = last.then(work);
      last = result.catch(() => undefined);
      return result;
    },
  };
}
