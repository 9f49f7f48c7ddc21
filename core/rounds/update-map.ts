import { equalBytes, toHex } from '../bytes.ts';
import { ArgumentError } from '../errors.ts';
import type { DatasetId, MapRoot } from '../ids.ts';
import type { MapPage, MapPages } from '../ports/map-pages.ts';
import type { Primitives } from '../ports/primitives.ts';
import { EMPTY_PAGE, loadPages } from './load-pages.ts';
import type { MapLeaf } from './map-leaf.ts';
import { encodePage, hashSlots, isChildPage, type Slot, type Slots, slotOf } from './map-page.ts';

/** A dataset's new head, or null: it leaves the map, because its charter names another anchorer now. */
export interface MapChange {
  readonly dataset: DatasetId;
  readonly leaf: MapLeaf | null;
}

export interface UpdatedMap {
  readonly map: MapRoot;
  /** Pages that the new map holds and the old one did not. */
  readonly written: readonly MapRoot[];
  /** Pages of the old map that the new one no longer holds; they stay until a retention setting thins them. */
  readonly replaced: readonly MapRoot[];
}

/**
 * The map after some heads have changed. Reads and writes are in proportion to the changes: one page for each four bits on
 * the way to a changed head, pages that changes share only once, and one request to the store a level. The caller notes the
 * new root after this returns; until then nothing has happened.
 * @throws ArgumentError when a dataset is named twice, or its leaf is another's
 * @throws StateError when the store has lost or damaged a page of the old map
 * @example
 * const leaf = leafOfHead(hasher, head);
 * const { map } = await updateMap(hasher, pages, last.map, [{ dataset: head.dataset, leaf }]);
 * const { previous, body } = buildNextRound(hasher, last, map); // goes to DISSC.anchor
 */
export async function updateMap(
  hasher: Pick<Primitives, 'sha256'>,
  pages: MapPages,
  map: MapRoot,
  changes: readonly MapChange[],
): Promise<UpdatedMap> {
  requireDistinct(changes);
  const [slots] = await loadPages(hasher, pages, [map]);
  const root: Branch = { slots: [...(slots as Slots)], depth: 0, hash: map };
  for (let level: Work[] = [[root, changes]]; level.length > 0; ) level = await descend(hasher, pages, level);
  const write: MapPage[] = [];
  const replaced: MapRoot[] = [];
  const hash = settleRoot(hasher, root, write, replaced);
  if (write.length > 0) await pages.writePages(write);
  const written = write.map((page) => page.hash);
  const names = new Set(written.map(toHex));
  return { map: hash, written, replaced: replaced.filter((one) => !names.has(toHex(one))) };
}

/** A page that changes, with those below it that change too. */
interface Branch {
  readonly slots: (Slot | Branch)[];
  readonly depth: number;
  /** Under which it is stored; null when it is new. */
  readonly hash: MapRoot | null;
}

type Work = readonly [branch: Branch, changes: readonly MapChange[]];

/** Applies changes to pages of one depth; returns those that go on below. */
async function descend(hasher: Pick<Primitives, 'sha256'>, pages: MapPages, level: readonly Work[]): Promise<Work[]> {
  const loads: { readonly branch: Branch; readonly slot: number; readonly hash: MapRoot }[] = [];
  const below: { readonly branch: Branch; readonly slot: number; readonly changes: readonly MapChange[] }[] = [];
  for (const [branch, changes] of level) {
    const bySlot = Map.groupBy(changes, ({ dataset }) => slotOf(dataset, branch.depth));
    for (const [slot, group] of bySlot) {
      const held = branch.slots[slot] as Slot;
      if (!isChildPage(held) && isSettledHere(held, group)) {
        branch.slots[slot] = (group[0] as MapChange).leaf;
        continue;
      }
      if (isChildPage(held)) loads.push({ branch, slot, hash: held.child });
      else branch.slots[slot] = newBranch(branch.depth + 1, held);
      below.push({ branch, slot, changes: group });
    }
  }
  const loaded = await loadPages(
    hasher,
    pages,
    loads.map(({ hash }) => hash),
  );
  for (const [i, { branch, slot, hash }] of loads.entries()) {
    branch.slots[slot] = { slots: [...(loaded[i] as Slots)], depth: branch.depth + 1, hash };
  }
  return below.map(({ branch, slot, changes }) => [branch.slots[slot] as Branch, changes]);
}

/** Whether one change alone decides a slot that no page is behind. */
function isSettledHere(held: MapLeaf | null, group: readonly MapChange[]): boolean {
  const isAlone = group.length === 1;
  return isAlone && (held === null || held.dataset === (group[0] as MapChange).dataset);
}

function newBranch(depth: number, held: MapLeaf | null): Branch {
  const slots: (Slot | Branch)[] = [...EMPTY_PAGE];
  if (held !== null) slots[slotOf(held.dataset, depth)] = held;
  return { slots, depth, hash: null };
}

function settleRoot(hasher: Pick<Primitives, 'sha256'>, root: Branch, write: MapPage[], replaced: MapRoot[]): MapRoot {
  const slots = root.slots.map((slot) => settle(hasher, slot, write, replaced));
  return keep(hasher, root, slots, write, replaced);
}

/** What a slot holds after all changes: a page left with one dataset gives its place to that dataset's leaf. */
function settle(hasher: Pick<Primitives, 'sha256'>, slot: Slot | Branch, write: MapPage[], replaced: MapRoot[]): Slot {
  if (slot === null || !('slots' in slot)) return slot;
  const slots = slot.slots.map((one) => settle(hasher, one, write, replaced));
  const held = slots.filter((one) => one !== null);
  const [only = null] = held;
  if (held.length > 1 || isChildPage(only)) return { child: keep(hasher, slot, slots, write, replaced) };
  if (slot.hash !== null) replaced.push(slot.hash);
  return only;
}

function keep(
  hasher: Pick<Primitives, 'sha256'>,
  branch: Branch,
  slots: Slots,
  write: MapPage[],
  replaced: MapRoot[],
): MapRoot {
  const hash = hashSlots(hasher, slots);
  if (branch.hash !== null && equalBytes(branch.hash, hash)) return hash;
  if (branch.hash?.some((byte) => byte !== 0)) replaced.push(branch.hash);
  if (slots.some((slot) => slot !== null)) write.push({ hash, bytes: encodePage(slots) });
  return hash;
}

function requireDistinct(changes: readonly MapChange[]): void {
  const named = new Set<DatasetId>();
  for (const { dataset, leaf } of changes) {
    if (named.has(dataset)) throw new ArgumentError(`Dataset ${dataset} changes twice in one round.`);
    if (leaf !== null && leaf.dataset !== dataset) {
      throw new ArgumentError(`The new head of dataset ${dataset} belongs to dataset ${leaf.dataset}.`);
    }
    named.add(dataset);
  }
}
