/** Least time between two rounds of a deployed service, unless its parameters say otherwise. */
export const DEFAULT_ROUND_EVERY_MS = 600_000;

/** From which age on the newest round is called late: three rounds of a deployment, and a quarter of an hour until they are final. */
export const DEFAULT_ROUND_LIMIT_MS = 3 * DEFAULT_ROUND_EVERY_MS + 900_000;
