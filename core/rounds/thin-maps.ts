import { toHex } from '../bytes.ts';
import type { MapRoot } from '../ids.ts';
import type { UpdatedMap } from './update-map.ts';

/** What one round has changed in the store. */
export interface RoundPages extends Pick<UpdatedMap, 'written' | 'replaced'> {
  readonly number: number;
}

/**
 * The pages that no kept round holds, so that a retention setting can delete them. `rounds` are all that the store has
 * changes of, oldest first; rounds that come later hold what the last of them holds, so it is kept whether it is named or not.
 */
export function pagesToDelete(rounds: readonly RoundPages[], kept: ReadonlySet<number>): MapRoot[] {
  const since = new Map<string, number>();
  const dead = new Map<string, MapRoot>();
  const needed = new Set<string>();
  const keptNumbers = [...kept].sort((a, b) => a - b);
  const isKeptWithin = (from: number, to: number): boolean => keptNumbers.some((one) => one >= from && one < to);
  for (const { number, written, replaced } of rounds) {
    for (const hash of replaced) {
      const name = toHex(hash);
      if (isKeptWithin(since.get(name) ?? Number.NEGATIVE_INFINITY, number)) needed.add(name);
      dead.set(name, hash);
    }
    for (const hash of written) {
      since.set(toHex(hash), number);
      dead.delete(toHex(hash));
    }
  }
  return [...dead].filter(([name]) => !needed.has(name)).map(([, hash]) => hash);
}
