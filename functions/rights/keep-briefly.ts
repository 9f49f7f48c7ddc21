import type { Runtime } from '../../core/ports/runtime.ts';
import { RecentMap } from '../state/recent-map.ts';

/** How old a right may be that lets somebody in: specification#rights. */
const KEPT_MS = 15_000;
/** How old an answer may be that keeps somebody out: a new device or consumer should not wait for the above. */
const REFUSED_KEPT_MS = 1_000;
const MAX_KEPT = 10_000;

interface Known<V> {
  readonly readAtMs: number;
  readonly value: Promise<V>;
}

/**
 * What the chain says of a key, kept at most 15 s. `suffices` says whether it lets the caller in; where it does not, what is
 * kept counts for a second only.
 */
export type KeptReader<K, V> = (key: K, suffices: (value: V) => boolean, signal?: AbortSignal) => Promise<V>;

export function keepBriefly<K, V>(
  read: (key: K, signal?: AbortSignal) => Promise<V>,
  { nowMs }: Pick<Runtime, 'nowMs'>,
): KeptReader<K, V> {
  const known = new RecentMap<K, Known<V>>(MAX_KEPT);

  const readAnew = (key: K, signal?: AbortSignal): Promise<V> => {
    // Counted from before the question, or a slow chain would prolong a right.
    const entry: Known<V> = { readAtMs: nowMs(), value: read(key, signal) };
    known.set(key, entry);
    entry.value.catch(() => {
      if (known.get(key) === entry) known.delete(key);
    });
    return entry.value;
  };

  return async (key, suffices, signal) => {
    const kept = known.get(key);
    const ageMs = kept === undefined ? Number.POSITIVE_INFINITY : nowMs() - kept.readAtMs;
    if (kept !== undefined && ageMs >= 0 && ageMs < KEPT_MS) {
      // Another request's question may end with that request: then this one asks for itself.
      const found = await kept.value.then(
        (value) => ({ value }),
        () => undefined,
      );
      if (found !== undefined && (suffices(found.value) || ageMs < REFUSED_KEPT_MS)) return found.value;
    }
    return readAnew(key, signal);
  };
}
