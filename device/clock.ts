import type { Runtime } from '../core/ports/runtime.ts';

/** The device's time, and whether it is to be believed. */
export interface DeviceClock {
  /** Ms since 1970, whole and never negative, whatever the machine says. */
  nowMs(): number;
  /** Compares with a time that came from outside; a difference of more than a minute makes the clock unsynchronised. */
  compare(outsideMs: number): void;
  /** Time and trust as a block's meta says them: `at` is never negative, `clock` is 1 when unsynchronised. */
  stamp(): { at: number; clock?: 1 };
}

/** No device of ours ran before 2020: a clock that says so has never been set. */
const EARLIEST_MS = Date.UTC(2020, 0, 1);
const TOLERANCE_MS = 60_000;

export function createDeviceClock(runtime: Pick<Runtime, 'nowMs'>): DeviceClock {
  let unsynchronised = false;
  const nowMs = (): number => {
    const now = Math.floor(runtime.nowMs());
    return Number.isSafeInteger(now) && now > 0 ? now : 0;
  };
  return {
    nowMs,
    compare(outsideMs) {
      unsynchronised = Math.abs(nowMs() - outsideMs) > TOLERANCE_MS;
    },
    stamp() {
      const at = nowMs();
      return at < EARLIEST_MS || unsynchronised ? { at, clock: 1 } : { at };
    },
  };
}
