/** Least time between two rounds of a deployed service, unless its parameters say otherwise. */
export const DEFAULT_ROUND_EVERY_MS = 600_000;
