import { isZero, toHex } from '../../bytes.ts';
import { StateError } from '../../errors.ts';
import type { MapRoot } from '../ids.ts';
import type { MapPages } from '../ports/map-pages.ts';
import { decodePage, PAGE_SLOTS, type Slots } from './map-page.ts';

/** The page of a map of no dataset. It is never stored. */
export const EMPTY_PAGE: Slots = new Array<null>(PAGE_SLOTS).fill(null);

/**
 * Pages by their hashes, asked for at once.
 * @throws StateError when the store has lost one: the map must be built again from its heads
 */
export async function loadPages(pages: Pick<MapPages, 'readPages'>, hashes: readonly MapRoot[]): Promise<Slots[]> {
  const wanted = hashes.filter((hash) => !isZero(hash));
  const found = wanted.length === 0 ? [] : await pages.readPages(wanted);
  let next = 0;
  return hashes.map((hash) => {
    if (isZero(hash)) return EMPTY_PAGE;
    const bytes = found[next++];
    if (bytes) return decodePage(bytes);
    throw new StateError(`The store has no page ${toHex(hash)} of the map. Build the map again from its heads.`);
  });
}
