import { type CaptureTime, nextCaptureTime } from '../core/block/falling-clock.ts';
import type { Runtime } from '../core/ports/runtime.ts';

/** The device's time, and whether it is to be believed. */
export interface DeviceClock {
  /** Ms since 1970, whole and never negative, whatever the machine says. */
  nowMs(): number;
  /**
   * Compares with a time that came from outside; a difference of more than a minute makes the clock unsynchronised. What was
   * learned goes on by the monotonic clock: a clock that jumps afterwards, away from the right time or back to it, is known.
   */
  compare(outsideMs: number): void;
  /**
   * Time and trust as a block's meta says them. `at` never falls: where the clock went back it stays, and `clock` is 1, as it
   * is when the clock is unsynchronised; 2 where a clock that is known to be right finds that it had been ahead before.
   */
  stamp(): CaptureTime;
}

/** No device of ours ran before 2020: a clock that says so has never been set. */
const EARLIEST_MS = Date.UTC(2020, 0, 1);
const TOLERANCE_MS = 60_000;

/** @param last what the block captured last says; null where there is none */
export function createDeviceClock(
  runtime: Pick<Runtime, 'nowMs' | 'monotonicMs'>,
  last: CaptureTime | null = null,
): DeviceClock {
  /** A time from outside, and when it was heard. */
  let heard: { readonly outsideMs: number; readonly monotonicMs: number } | null = null;
  let latest = last;
  const nowMs = (): number => {
    const now = Math.floor(runtime.nowMs());
    return Number.isSafeInteger(now) && now > 0 ? now : 0;
  };
  const trustIn = (now: number): 'unknown' | 'right' | 'wrong' => {
    if (heard === null) return 'unknown';
    const rightMs = heard.outsideMs + (runtime.monotonicMs() - heard.monotonicMs);
    return Math.abs(now - rightMs) > TOLERANCE_MS ? 'wrong' : 'right';
  };
  return {
    nowMs,
    compare(outsideMs) {
      heard = { outsideMs, monotonicMs: runtime.monotonicMs() };
    },
    stamp() {
      const now = nowMs();
      const trust = trustIn(now);
      latest = nextCaptureTime(latest, {
        nowMs: now,
        isSynchronised: now >= EARLIEST_MS && trust !== 'wrong',
        isNewStretch: trust === 'right' && latest !== null && latest.at > now + TOLERANCE_MS,
      });
      return latest;
    },
  };
}
