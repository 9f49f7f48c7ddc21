/** The largest time that a Date takes, ms since 1970. */
const LAST_MS = 8_640_000_000_000_000;

/**
 * A time in UTC, ISO 8601. A device may claim one that no calendar has: it comes as its number of ms.
 *
 * @example
 * console.log(utcText(0), utcText(9e15)); // 1970-01-01T00:00:00.000Z 9000000000000000 ms
 */
export function utcText(ms: number): string {
  return ms > LAST_MS ? `${ms} ms` : new Date(ms).toISOString();
}
