/** How a run comes to its end by itself. */
export interface Ending {
  /** Aborted when it does. */
  readonly signal: AbortSignal;
  /** All that was wanted is done. */
  finish(): void;
  /** Something has failed that cannot mend itself. The first such failure counts. */
  fail(cause: unknown): void;
  /** @throws what it failed with, if it did */
  throwIfFailed(): void;
}

export function createEnding(): Ending {
  const end = new AbortController();
  let failure: { readonly cause: unknown } | null = null;
  return {
    signal: end.signal,
    finish: () => end.abort(),
    fail(cause) {
      failure ??= { cause };
      end.abort();
    },
    throwIfFailed() {
      if (failure !== null) throw failure.cause;
    },
  };
}
