import type { PendingEvent } from './open-store.ts';
import type { S3ObjectEvent } from './s3-event.ts';

export interface Delivery {
  /** Events taken on but not delivered yet. */
  pending(): number;
  take(pending: PendingEvent): void;
  /** Resolves when every event taken on has been delivered; rejects when closed before. */
  drained(): Promise<void>;
  /** Aborts what is under way. What was not delivered stays in the journal. */
  close(): Promise<void>;
}

const CONCURRENCY = 8;
const ATTEMPT_TIMEOUT_MS = 60_000;
const FIRST_RETRY_MS = 200;
const LAST_RETRY_MS = 30_000;

/** Hands events to a listener, at least once, in no promised order; a failure is tried again ever more slowly. */
export function deliverEvents(options: {
  onEvent: (event: S3ObjectEvent, signal: AbortSignal) => Promise<void>;
  /** Removes the journal's entry. */
  forget: (journalName: string) => Promise<void>;
  log: (line: object) => void;
}): Delivery {
  const stop = new AbortController();
  const ready: { pending: PendingEvent; attempt: number }[] = [];
  const retries = new Set<NodeJS.Timeout>();
  const running = new Set<Promise<void>>();
  let waiters: PromiseWithResolvers<void>[] = [];
  let count = 0;

  const pump = () => {
    while (!stop.signal.aborted && running.size < CONCURRENCY && ready.length > 0) {
      const { pending, attempt } = ready.shift()!;
      const run = deliver(pending, attempt).finally(() => {
        running.delete(run);
        pump();
      });
      running.add(run);
    }
  };

  const deliver = async (pending: PendingEvent, attempt: number) => {
    try {
      await attemptOnce(options.onEvent, pending.event, stop.signal);
      await options.forget(pending.journalName);
    } catch (error) {
      if (!stop.signal.aborted) retryLater(pending, attempt, error);
      return;
    }
    count -= 1;
    if (count > 0) return;
    for (const waiter of waiters) waiter.resolve();
    waiters = [];
  };

  const retryLater = (pending: PendingEvent, attempt: number, error: unknown) => {
    const delayMs = Math.min(LAST_RETRY_MS, FIRST_RETRY_MS * 2 ** attempt) * (0.5 + Math.random() / 2);
    options.log({
      event: 's3-event-failed',
      key: pending.event.s3.object.key,
      attempt,
      retryMs: Math.round(delayMs),
      error: error instanceof Error ? error.message : String(error),
    });
    const timer = setTimeout(() => {
      retries.delete(timer);
      ready.push({ pending, attempt: attempt + 1 });
      pump();
    }, delayMs);
    retries.add(timer);
  };

  return {
    pending: () => count,
    take(pending) {
      count += 1;
      ready.push({ pending, attempt: 0 });
      pump();
    },
    drained() {
      if (count === 0) return Promise.resolve();
      if (stop.signal.aborted) return Promise.reject(closedEarly(count));
      const waiter = Promise.withResolvers<void>();
      waiters.push(waiter);
      return waiter.promise;
    },
    async close() {
      stop.abort();
      for (const timer of retries) clearTimeout(timer);
      for (const waiter of waiters) waiter.reject(closedEarly(count));
      waiters = [];
      await Promise.allSettled(running);
    },
  };
}

/** One attempt, given up after its time even when the listener ignores the signal. */
async function attemptOnce(
  onEvent: (event: S3ObjectEvent, signal: AbortSignal) => Promise<void>,
  event: S3ObjectEvent,
  stopped: AbortSignal,
): Promise<void> {
  const signal = AbortSignal.any([stopped, AbortSignal.timeout(ATTEMPT_TIMEOUT_MS)]);
  const givenUp = Promise.withResolvers<never>();
  const giveUp = () => givenUp.reject(signal.reason);
  signal.addEventListener('abort', giveUp, { once: true });
  try {
    signal.throwIfAborted();
    await Promise.race([onEvent(event, signal), givenUp.promise]);
  } finally {
    signal.removeEventListener('abort', giveUp);
  }
}

function closedEarly(count: number): Error {
  return new Error(
    `The object store was closed with ${count} events not delivered; they come again after the next start.`,
  );
}
