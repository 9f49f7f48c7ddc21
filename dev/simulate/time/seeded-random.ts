/** Chance that a seed decides: mulberry32, whose forks have a course of their own. */
export interface SeededRandom {
  /** At least 0, below 1. */
  next(): number;
  /** A whole number from `from` to `to`, both included. */
  between(from: number, to: number): number;
  chance(probability: number): boolean;
  pick<T>(all: readonly T[]): T;
  bytes(size: number): Uint8Array;
  /** Another source, which does not move when this one is drawn from. */
  fork(name: string): SeededRandom;
}

export function createRandom(seed: number): SeededRandom {
  let state = seed >>> 0;
  const next = (): number => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  const between = (from: number, to: number): number => from + Math.floor(next() * (to - from + 1));
  return {
    next,
    between,
    chance: (probability) => next() < probability,
    pick: (all) => all[between(0, all.length - 1)] as (typeof all)[number],
    bytes: (size) => Uint8Array.from({ length: size }, () => between(0, 255)),
    fork: (name) => createRandom(hash(seed, name)),
  };
}

/** FNV-1a over the name, from the seed on, and mixed. */
function hash(seed: number, name: string): number {
  let state = Math.imul(seed ^ 0x811c9dc5, 0x9e3779b1);
  for (const character of name) state = Math.imul(state ^ character.charCodeAt(0), 0x01000193);
  return Math.imul(state ^ (state >>> 16), 0x85ebca6b) >>> 0;
}
