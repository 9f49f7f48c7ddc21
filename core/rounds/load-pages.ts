import { equalBytes, isZero, toHex } from '../bytes.ts';
import { StateError } from '../errors.ts';
import type { MapRoot } from '../ids.ts';
import type { MapPages } from '../ports/map-pages.ts';
import type { Primitives } from '../ports/primitives.ts';
import { decodePage, hashSlots, PAGE_SLOTS, type Slots } from './map-page.ts';

/** The page of a map of no dataset. It is never stored. */
export const EMPTY_PAGE: Slots = new Array<null>(PAGE_SLOTS).fill(null);

/**
 * Pages by their hashes, asked for at once. Each is hashed again: what a store has damaged must not get into the next round.
 * @throws StateError when the store has lost or damaged one: the map must be built again from its heads
 */
export async function loadPages(
  hasher: Pick<Primitives, 'sha256'>,
  pages: Pick<MapPages, 'readPages'>,
  hashes: readonly MapRoot[],
): Promise<Slots[]> {
  const wanted = hashes.filter((hash) => !isZero(hash));
  const found = wanted.length === 0 ? [] : await pages.readPages(wanted);
  let next = 0;
  return hashes.map((hash) => {
    if (isZero(hash)) return EMPTY_PAGE;
    const bytes = found[next++];
    if (!bytes) {
      throw new StateError(`The store has no page ${toHex(hash)} of the map. Build the map again from its heads.`);
    }
    const slots = decodePage(bytes);
    if (equalBytes(hashSlots(hasher, slots), hash)) return slots;
    throw new StateError(`The store's page ${toHex(hash)} of the map is damaged. Build the map again from its heads.`);
  });
}
