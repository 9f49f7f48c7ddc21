import { PlumblineError } from '../core/errors.ts';

/**
 * Runs one call to the outside with a deadline and the caller's abort. What `run` throws becomes what `explain` makes of
 * it; errors that already say enough pass, and so does the caller's own abort.
 */
export async function withDeadline<T>(
  timeoutMs: number,
  signal: AbortSignal | undefined,
  run: (abortSignal: AbortSignal) => Promise<T>,
  explain: (cause: unknown, timedOut: boolean) => Error,
): Promise<T> {
  signal?.throwIfAborted();
  // Not AbortSignal.timeout: that would still fire, into a body that is being read, after `run` has returned.
  const deadline = new AbortController();
  const timer = setTimeout(() => deadline.abort(), timeoutMs);
  try {
    return await run(signal === undefined ? deadline.signal : AbortSignal.any([signal, deadline.signal]));
  } catch (cause) {
    signal?.throwIfAborted();
    throw cause instanceof PlumblineError ? cause : explain(cause, deadline.signal.aborted);
  } finally {
    clearTimeout(timer);
  }
}
