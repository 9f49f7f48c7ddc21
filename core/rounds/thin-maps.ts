/** Which of an anchorer's rounds stay provable: every round for some time, and of older rounds the last of each period. */
export interface MapRetention {
  /** For how long every round stays; null: all of them, for ever. */
  readonly everyMs: number | null;
  /** Of older rounds, the last of each of these periods stays. */
  readonly thenOneAMs: number;
}

/** The times of the first and the last of the consecutive rounds that shared a page of a map, and of the round after them. */
export interface PageSpan {
  readonly firstMs: number;
  readonly lastMs: number;
  readonly nextMs: number;
}

/** Whether a round is the last of its period, by its time and that of the next one. */
export function isLastOfPeriod(timeMs: number, nextMs: number, { thenOneAMs }: MapRetention): boolean {
  return Math.floor(timeMs / thenOneAMs) !== Math.floor(nextMs / thenOneAMs);
}

/**
 * Whether the rule keeps one of the (old) rounds that shared a page, so that the page is needed. If they reach past the end of a
 * period, the last round of that period is among them.
 * @example
 * holdsKeptRound({ firstMs: 0, lastMs: 50_000, nextMs: 60_000 }, { everyMs: 0, thenOneAMs: 60_000 }); // true
 */
export function holdsKeptRound({ firstMs, lastMs, nextMs }: PageSpan, retention: MapRetention): boolean {
  return isLastOfPeriod(firstMs, lastMs, retention) || isLastOfPeriod(lastMs, nextMs, retention);
}
