/**
 * Time, waiting and chance, as one port: whatever waits or draws takes it from here, so that a simulator can give every
 * part the same virtual clock and one seed.
 */
export interface Runtime {
  /** Milliseconds since 1970 by the machine's clock, which may be wrong and may jump. */
  nowMs(): number;
  /** Milliseconds since some fixed moment; never goes back. For spans of time alone. */
  monotonicMs(): number;
  /** Resolves after that time. Rejects with an `AbortError` when the signal is aborted first. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
  /** Calls `run` once after that time, unless it is stopped before. */
  after(ms: number, run: () => void): Timer;
  /** Aborted after that time with a `TimeoutError`. */
  timeout(ms: number): AbortSignal;
  /** Lets whatever else is due run first. */
  nextTurn(): Promise<void>;
  /** At least 0, below 1; for spreading work in time, never for keys. */
  random(): number;
}

/** A call that is still to come. */
export interface Timer {
  stop(): void;
}
