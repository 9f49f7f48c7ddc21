/** Least time between two rounds of a deployed service, unless its parameters say otherwise. */
export const DEFAULT_ROUND_EVERY_MS = 600_000;

/** From which age on the newest round is called late: three rounds of a deployment, and a quarter of an hour until they are final. */
export const DEFAULT_ROUND_LIMIT_MS = 3 * DEFAULT_ROUND_EVERY_MS + 900_000;

/** So long every round stays provable, where nobody says otherwise. */
export const DEFAULT_KEEP_ROUNDS_DAYS = 30;
export const MOST_KEEP_ROUNDS_DAYS = 36_500;

/** The setting `keepRoundsDays` as it is kept to; null: for good. */
export function keepRoundsMsOf(days: number): number | null {
  return days === 0 ? null : days * 86_400_000;
}
