import { STATE, type State } from './questions.ts';

/** What is known of each block of a dataset: its state, and when it was checked. */
export interface BlockMap {
  readonly size: number;
  readonly states: Uint8Array;
  /** Seconds since 1970; 0 where it never was. */
  readonly checkedAt: Uint32Array;
}

/** More blocks than these are not drawn one by one. */
export const MOST_MAPPED = 8_000_000;

export function emptyMap(size: number): BlockMap {
  const mapped = Math.min(size, MOST_MAPPED);
  return { size, states: new Uint8Array(mapped), checkedAt: new Uint32Array(mapped) };
}

/** The same for a log that has grown. */
export function grownMap(map: BlockMap | null, size: number): BlockMap {
  if (map === null) return emptyMap(size);
  if (map.size >= size) return map;
  const grown = emptyMap(size);
  grown.states.set(map.states);
  grown.checkedAt.set(map.checkedAt);
  return grown;
}

/** Notes what a check has found. */
export function noteStates(map: BlockMap, blocks: Uint32Array, states: Uint8Array, atMs: number): void {
  const seconds = Math.floor(atMs / 1000);
  for (const [i, block] of blocks.entries()) {
    if (block >= map.states.length) continue;
    map.states[block] = states[i] as number;
    map.checkedAt[block] = seconds;
  }
}

/** A stretch of blocks that share one cell. */
export interface Cell {
  readonly from: number;
  readonly to: number;
  /** The most serious of them. */
  readonly state: State;
  /** How many of them were checked. */
  readonly checked: number;
  readonly damaged: number;
  readonly newestCheckedAtMs: number | null;
}

/** How many blocks share a cell where `cells` cells are to hold a range. */
export function blocksPerCell(from: number, to: number, cells: number): number {
  return Math.max(1, Math.ceil((to - from + 1) / Math.max(1, cells)));
}

/**
 * A range of blocks cut into cells, in order. One pass over the blocks: a million take some milliseconds.
 * @example cellsOf(map, 0, map.size - 1, 2_000)
 */
export function cellsOf(map: BlockMap, from: number, to: number, cells: number): Cell[] {
  const each = blocksPerCell(from, to, cells);
  const found: Cell[] = [];
  for (let first = from; first <= to; first += each) {
    const last = Math.min(to, first + each - 1);
    let state: number = 0;
    let checked = 0;
    let damaged = 0;
    let newest = 0;
    for (let block = first; block <= last; block++) {
      const one = map.states[block] ?? 0;
      if (one > state) state = one;
      if (one !== 0) checked += 1;
      if (one >= STATE.missing) damaged += 1;
      const at = map.checkedAt[block] ?? 0;
      if (at > newest) newest = at;
    }
    found.push({
      ...{ from: first, to: last, state: state as State, checked, damaged },
      newestCheckedAtMs: newest === 0 ? null : newest * 1000,
    });
  }
  return found;
}

/** How many blocks are in each state. */
export function countStates({ states, size }: BlockMap): ReadonlyMap<State, number> {
  const counts = new Map<State, number>();
  const perState = new Uint32Array(16);
  for (const state of states) perState[state] = (perState[state] ?? 0) + 1;
  perState[STATE.unchecked] = (perState[STATE.unchecked] ?? 0) + (size - states.length);
  for (const [state, number] of perState.entries()) if (number > 0) counts.set(state as State, number);
  return counts;
}
