/** Which of an anchorer's rounds stay provable: every one for some time, and of the older ones the last of each period. */
export interface MapRetention {
  /** So long every round; null: for good, all of them. */
  readonly everyMs: number | null;
  /** Of those that are older, the last of each of these periods. */
  readonly thenOneAMs: number;
}

/** The times of consecutive rounds that one page of a map was a part of: of the first, the last, and the one behind that. */
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
 * Whether one of the rounds that a page was a part of is kept, all of them being old: then the page is needed. Where they reach
 * over the end of a period, the last round of that period is among them.
 * @example
 * holdsKeptRound({ firstMs: 0, lastMs: 50_000, nextMs: 60_000 }, { everyMs: 0, thenOneAMs: 60_000 }); // true
 */
export function holdsKeptRound({ firstMs, lastMs, nextMs }: PageSpan, retention: MapRetention): boolean {
  return isLastOfPeriod(firstMs, lastMs, retention) || isLastOfPeriod(lastMs, nextMs, retention);
}
