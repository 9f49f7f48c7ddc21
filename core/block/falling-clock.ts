import type { BlockMeta } from './meta.ts';

/** What of a meta says when its block was captured. */
export type CaptureTime = Pick<BlockMeta, 'at' | 'clock'>;

/**
 * The position of the first meta whose `at` falls within a stretch, or -1: that block is `misrecorded`
 * (specification#meta). `before` is the meta of the block before the first one, null at the log's beginning or where it is
 * not known; `clock: 2` begins a new stretch.
 */
export function fallingClock(before: CaptureTime | null, metas: readonly CaptureTime[]): number {
  let last = before?.at ?? 0;
  for (const [position, { at, clock }] of metas.entries()) {
    if (clock !== 2 && at < last) return position;
    last = at;
  }
  return -1;
}

/**
 * `at` and `clock` of the next block: a clock that went back keeps the last value and says so. `isNewStretch` by a new
 * device, or after a clock that had been ahead.
 */
export function nextCaptureTime(
  last: CaptureTime | null,
  now: { readonly nowMs: number; readonly isSynchronised: boolean; readonly isNewStretch: boolean },
): CaptureTime {
  if (now.isNewStretch) return { at: now.nowMs, clock: 2 };
  if (last !== null && now.nowMs < last.at) return { at: last.at, clock: 1 };
  return now.isSynchronised ? { at: now.nowMs } : { at: now.nowMs, clock: 1 };
}
