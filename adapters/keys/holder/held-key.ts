import type { Runtime } from '../../../core/ports/runtime.ts';

/** What scrypt makes of a password and one keystore's salt: it opens that keystore, and nothing else that the password opens. */
export const KEYSTORE_KEY_BYTES = 64;

/** A clock that was set back by more than this no longer tells how long the machine slept. */
const SET_BACK_MS = 60_000;

/** A key that is there for a stated time, and zeros after it. */
export interface HeldKey {
  /** Milliseconds that are left; 0 when it is over, and then the key is wiped. */
  remainingMs(): number;
  /** The key itself, for as long as it is held; null after. */
  read(): Uint8Array | null;
  wipe(): void;
}

/**
 * Holds a key for a time by two clocks, whichever has run further: the monotonic one, which nobody can set, and the wall clock,
 * which alone goes on while a machine sleeps. A wall clock that goes back ends it: the time it slept is not known any more.
 * @param key is wiped in place
 */
export function holdKey(key: Uint8Array, forMs: number, clocks: Pick<Runtime, 'nowMs' | 'monotonicMs'>): HeldKey {
  const since = { wallMs: clocks.nowMs(), monotonicMs: clocks.monotonicMs() };
  let newestWallMs = since.wallMs;
  let held: Uint8Array | null = key;
  const wipe = (): void => {
    held?.fill(0);
    held = null;
  };
  const remainingMs = (): number => {
    if (held === null) return 0;
    const wallMs = clocks.nowMs();
    const passedMs = Math.max(wallMs - since.wallMs, clocks.monotonicMs() - since.monotonicMs);
    if (passedMs >= forMs || wallMs < newestWallMs - SET_BACK_MS) {
      wipe();
      return 0;
    }
    newestWallMs = Math.max(newestWallMs, wallMs);
    return forMs - passedMs;
  };
  return { remainingMs, read: () => (remainingMs() > 0 ? held : null), wipe };
}
