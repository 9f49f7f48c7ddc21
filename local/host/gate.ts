/** Lets some in at a time, the others in the order in which they came. */
export interface Gate {
  /** Runs when there is room. */
  pass<T>(run: () => Promise<T>): Promise<T>;
}

export function createGate(atOnce: number): Gate {
  let inside = 0;
  const waiting: (() => void)[] = [];
  return {
    async pass(run) {
      if (inside === atOnce) await new Promise<void>((resolve) => waiting.push(resolve));
      else inside += 1;
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
