import type { DatasetId, MapRoot } from '../ids.ts';
import type { MapPages } from '../ports/map-pages.ts';
import type { Primitives } from '../ports/primitives.ts';
import { loadPages } from './load-pages.ts';
import { hashSlots, isChildPage, PAGE_SLOTS, type Slots, slotOf } from './map-page.ts';
import type { MapProof } from './map-proof.ts';

/**
 * What shows that a map has a dataset's head, or has none: at most one page for each four bits that others share with it.
 * @throws StateError when the store has lost or damaged a page
 */
export async function proveInMap(
  hasher: Pick<Primitives, 'sha256'>,
  pages: Pick<MapPages, 'readPages'>,
  map: MapRoot,
  dataset: DatasetId,
): Promise<MapProof> {
  const siblings: Uint8Array[] = [];
  let hash = map;
  for (let depth = 0; ; depth++) {
    const [slots] = (await loadPages(hasher, pages, [hash])) as [Slots];
    const slot = slotOf(dataset, depth);
    for (let [from, to] = [0, PAGE_SLOTS]; ; ) {
      const held = slots.slice(from, to).filter((one) => one !== null);
      const [only = null] = held;
      if (held.length === 0 || (held.length === 1 && !isChildPage(only))) {
        return { path: siblings.reverse(), end: only as MapProof['end'] };
      }
      if (to - from === 1) {
        hash = (only as { readonly child: MapRoot }).child;
        break;
      }
      const middle = (from + to) / 2;
      const isOne = slot >= middle;
      siblings.push(isOne ? hashSlots(hasher, slots, from, middle) : hashSlots(hasher, slots, middle, to));
      if (isOne) from = middle;
      else to = middle;
    }
  }
}
