import { concatBytes, to0x, u8, u32, u64 } from '../bytes.ts';
import { ArgumentError } from '../errors.ts';
import { type DatasetId, datasetBytes, type LogRoot, type MapRoot } from '../ids.ts';
import type { Primitives } from '../ports/primitives.ts';
import { EMPTY_MAP, type MapLeaf, mapLeafHash, mapNodeHash, requireMapLeaf } from './map-leaf.ts';

/** Bits of an id that one page decides. */
export const PAGE_BITS = 4;
export const PAGE_SLOTS = 2 ** PAGE_BITS;

/** A branch of more than one dataset, kept in a page of its own. */
export interface ChildPage {
  readonly child: MapRoot;
}

/** What lies behind four bits of an id: nothing, one dataset, or a page of more. */
export type Slot = MapLeaf | ChildPage | null;

/**
 * Four levels of a map at once. A page holds more than one dataset, except that of the whole map. How pages are cut is this
 * store's matter: no hash depends on it.
 */
export type Slots = readonly Slot[];

export function isChildPage(slot: Slot): slot is ChildPage {
  return slot !== null && 'child' in slot;
}

/** Which slot of a page at `depth` (in pages) a dataset lies behind: its id's hexadecimal digit there. */
export function slotOf(dataset: DatasetId, depth: number): number {
  return Number.parseInt(dataset.charAt(2 + depth), 16);
}

/** The map over the datasets of slots from … to - 1; `to - from` is a power of two. */
export function hashSlots(
  hasher: Pick<Primitives, 'sha256'>,
  slots: Slots,
  from = 0,
  to: number = PAGE_SLOTS,
): MapRoot {
  let level: (Hashed | null)[] = slots.slice(from, to).map((slot) => {
    if (slot === null) return null;
    return isChildPage(slot) ? { hash: slot.child, isOne: false } : { hash: mapLeafHash(hasher, slot), isOne: true };
  });
  while (level.length > 1) {
    const below = level;
    level = [];
    for (let i = 0; i < below.length; i += 2) level.push(join(hasher, below[i] ?? null, below[i + 1] ?? null));
  }
  return level[0]?.hash ?? EMPTY_MAP;
}

/** A part of a map that is not empty. */
interface Hashed {
  readonly hash: MapRoot;
  /** Whether it is of exactly one dataset: then it is that dataset's leaf, however deep it lies. */
  readonly isOne: boolean;
}

function join(hasher: Pick<Primitives, 'sha256'>, zero: Hashed | null, one: Hashed | null): Hashed | null {
  if (one === null && (zero === null || zero.isOne)) return zero;
  if (zero === null && one?.isOne) return one;
  return { hash: mapNodeHash(hasher, zero?.hash ?? EMPTY_MAP, one?.hash ?? EMPTY_MAP), isOne: false };
}

const EMPTY = 0;
const LEAF = 1;
const CHILD = 2;
const LEAF_BYTES = 108;
const CHILD_BYTES = 32;

/** Slot by slot: 00; or 01 ‖ dataset32 ‖ u64 size ‖ root32 ‖ u32 serial ‖ signatureHash32; or 02 ‖ the page's hash. */
export function encodePage(slots: Slots): Uint8Array {
  return concatBytes(
    ...slots.map((slot) => {
      if (slot === null) return u8(EMPTY);
      if (isChildPage(slot)) return concatBytes(u8(CHILD), slot.child);
      const { dataset, size, root, serial, signatureHash } = slot;
      return concatBytes(u8(LEAF), datasetBytes(dataset), u64(size), root, u32(serial), signatureHash);
    }),
  );
}

/** @throws ArgumentError when these are not a page's bytes */
export function decodePage(bytes: Uint8Array): Slots {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const slots: Slot[] = [];
  let at = 0;
  while (slots.length < PAGE_SLOTS) {
    const tag = bytes[at++];
    const length = tag === LEAF ? LEAF_BYTES : tag === CHILD ? CHILD_BYTES : 0;
    if (tag === undefined || tag > CHILD || at + length > bytes.length) {
      throw new ArgumentError(`A page of a map is malformed at byte ${at - 1} of ${bytes.length}.`);
    }
    if (tag === EMPTY) slots.push(null);
    else slots.push(tag === LEAF ? readLeaf(view, bytes, at) : { child: bytes.slice(at, at + length) as MapRoot });
    at += length;
  }
  if (at !== bytes.length) throw new ArgumentError(`${bytes.length - at} bytes follow the last slot of a page.`);
  return slots;
}

function readLeaf(view: DataView, bytes: Uint8Array, at: number): MapLeaf {
  const leaf: MapLeaf = {
    dataset: to0x(bytes.subarray(at, at + 32)) as DatasetId,
    size: view.getUint32(at + 32) * 2 ** 32 + view.getUint32(at + 36),
    root: bytes.slice(at + 40, at + 72) as LogRoot,
    serial: view.getUint32(at + 72),
    signatureHash: bytes.slice(at + 76, at + 108),
  };
  requireMapLeaf(leaf);
  return leaf;
}
