import type { Runtime } from '../../core/ports/runtime.ts';

/** What a service's time is ahead of this machine's clock, as far as it was told. */
export interface ClockOffset {
  /** 0 where nothing was learned, or where the clock has jumped since. */
  ms(): number;
  learn(serverTimeMs: number): void;
  drop(): void;
}

/** More than a request takes, and than clocks drift between two of them; well within what a service allows. */
const JUMP_MS = 10_000;

/**
 * An offset belongs to the clock as it was when it was learned: once that clock is set, it would do harm for ever. So it goes
 * as soon as the wall clock and the monotonic one have not gone on alike; what is right then is learned anew.
 */
export function createClockOffset(runtime: Pick<Runtime, 'nowMs' | 'monotonicMs'>): ClockOffset {
  let learned: { readonly offsetMs: number; readonly wallMs: number; readonly monotonicMs: number } | null = null;
  return {
    ms() {
      if (learned === null) return 0;
      const expectedMs = learned.wallMs + (runtime.monotonicMs() - learned.monotonicMs);
      if (Math.abs(runtime.nowMs() - expectedMs) > JUMP_MS) learned = null;
      return learned?.offsetMs ?? 0;
    },
    learn(serverTimeMs) {
      const wallMs = runtime.nowMs();
      learned = { offsetMs: serverTimeMs - wallMs, wallMs, monotonicMs: runtime.monotonicMs() };
    },
    drop() {
      learned = null;
    },
  };
}
