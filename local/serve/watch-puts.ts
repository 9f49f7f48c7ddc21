import type { ObjectStore } from '../../core/ports/object-store.ts';
import type { Observer } from '../../functions/observe/observer.ts';

export interface PutWatchOptions {
  readonly objects: Pick<ObjectStore, 'size'>;
  /** Checks in the object of a key; rejects when it must be tried again. */
  readonly onStored: (key: string, sizeBytes: number) => Promise<void>;
  readonly observer: Observer;
  readonly limits?: Partial<PutWatchLimits>;
}

export interface PutWatchLimits {
  /** Keys watched together; the reconciliation finds what is beyond that. */
  readonly mostKeys: number;
  readonly atOnce: number;
  readonly firstLookMs: number;
  readonly lastLookMs: number;
}

export interface PutWatch {
  /** Looks for an object until it is there and checked in, or until nobody may put it any more. */
  watch(key: string, expiresAtMs: number): void;
  /** How many keys are watched. */
  readonly watched: number;
  close(): Promise<void>;
}

const LIMITS: PutWatchLimits = { mostKeys: 10_000, atOnce: 4, firstLookMs: 250, lastLookMs: 30_000 };
/** What was put in the last moment is looked for once more. */
const GRACE_MS = 5_000;
const PAUSE_GROWS = 1.6;

interface Watched {
  readonly expiresAtMs: number;
  pauseMs: number;
  timer: NodeJS.Timeout | null;
}

/**
 * Tells of stored segments where the object store sends no events: the service has given every address itself, so it knows
 * which keys may appear, and looks for these alone, ever more rarely. Nothing of it is kept over a restart: the devices ask
 * for a check-in by themselves, and the reconciliation compares bucket and table.
 */
export function watchPuts({ objects, onStored, observer, limits: given }: PutWatchOptions): PutWatch {
  const limits = { ...LIMITS, ...given };
  const keys = new Map<string, Watched>();
  const due: string[] = [];
  const running = new Set<Promise<void>>();
  const stopping = new AbortController();

  const later = (key: string, one: Watched): void => {
    one.timer = setTimeout(() => {
      one.timer = null;
      due.push(key);
      pump();
    }, one.pauseMs);
    one.pauseMs = Math.min(limits.lastLookMs, one.pauseMs * PAUSE_GROWS);
  };
  const pump = (): void => {
    while (!stopping.signal.aborted && running.size < limits.atOnce && due.length > 0) {
      const run = look(due.shift() as string).finally(() => {
        running.delete(run);
        pump();
      });
      running.add(run);
    }
  };
  const look = async (key: string): Promise<void> => {
    const one = keys.get(key);
    if (one === undefined) return;
    try {
      const sizeBytes = await objects.size(key, stopping.signal);
      if (sizeBytes !== null) {
        await onStored(key, sizeBytes);
        keys.delete(key);
        return;
      }
    } catch (error) {
      if (!stopping.signal.aborted) observer.warn('stored object not checked in yet', { key, error });
    }
    if (Date.now() > one.expiresAtMs + GRACE_MS) keys.delete(key);
    else if (!stopping.signal.aborted) later(key, one);
  };

  return {
    watch(key, expiresAtMs) {
      if (stopping.signal.aborted) return;
      const before = keys.get(key);
      if (before?.timer != null) clearTimeout(before.timer);
      // The one watched longest has most likely been given up by its device.
      if (before === undefined && keys.size >= limits.mostKeys) forget(keys);
      const one: Watched = { expiresAtMs, pauseMs: limits.firstLookMs, timer: null };
      keys.delete(key);
      keys.set(key, one);
      later(key, one);
    },
    get watched() {
      return keys.size;
    },
    async close() {
      stopping.abort();
      for (const { timer } of keys.values()) if (timer !== null) clearTimeout(timer);
      keys.clear();
      await Promise.allSettled(running);
    },
  };
}

function forget(keys: Map<string, Watched>): void {
  const [oldest] = keys;
  if (oldest === undefined) return;
  const [key, { timer }] = oldest;
  if (timer !== null) clearTimeout(timer);
  keys.delete(key);
}
