import type { DatasetId, MapRoot } from '../ids.ts';
import type { MapPages } from '../ports/map-pages.ts';
import type { Primitives } from '../ports/primitives.ts';
import { loadPages } from './load-pages.ts';
import type { MapLeaf } from './map-leaf.ts';
import { isChildPage, type Slots, slotOf } from './map-page.ts';

/**
 * The heads that a map has of these datasets, null where it has none: one request to the store a level.
 * @throws StateError when the store has lost or damaged a page
 */
export async function readHeadsInMap(
  hasher: Pick<Primitives, 'sha256'>,
  pages: Pick<MapPages, 'readPages'>,
  map: MapRoot,
  datasets: readonly DatasetId[],
): Promise<ReadonlyMap<DatasetId, MapLeaf | null>> {
  const found = new Map<DatasetId, MapLeaf | null>();
  let level: { readonly hash: MapRoot; readonly wanted: readonly DatasetId[] }[] = [{ hash: map, wanted: datasets }];
  for (let depth = 0; level.length > 0; depth++) {
    const loaded = await loadPages(
      hasher,
      pages,
      level.map(({ hash }) => hash),
    );
    const below: typeof level = [];
    for (const [i, { wanted }] of level.entries()) {
      const slots = loaded[i] as Slots;
      for (const [slot, group] of Map.groupBy(wanted, (one) => slotOf(one, depth))) {
        const held = slots[slot] ?? null;
        if (isChildPage(held)) below.push({ hash: held.child, wanted: group });
        else for (const dataset of group) found.set(dataset, held?.dataset === dataset ? held : null);
      }
    }
    level = below;
  }
  return found;
}

/** All heads of a map, a level of pages at a time. @throws StateError when the store has lost or damaged a page */
export async function* listMap(
  hasher: Pick<Primitives, 'sha256'>,
  pages: Pick<MapPages, 'readPages'>,
  map: MapRoot,
): AsyncGenerator<MapLeaf> {
  for (let level = [map]; level.length > 0; ) {
    const below: MapRoot[] = [];
    for (const slots of await loadPages(hasher, pages, level)) {
      for (const slot of slots) {
        if (isChildPage(slot)) below.push(slot.child);
        else if (slot !== null) yield slot;
      }
    }
    level = below;
  }
}
