import { ArgumentError } from '../errors.ts';
import type { DatasetId } from '../ids.ts';
import { MAX_LOG_BLOCKS } from '../limits.ts';
import { requireLogSize, type Subtree } from './subtrees.ts';

/** Roots that one tile holds (c2sp.org/tlog-tiles is the model). */
export const TILE_WIDTH = 256;
/** Levels of perfect subtrees between one level of tiles and the next. */
export const TILE_LEVELS = 8;
export const TILE_BYTES = 32 * TILE_WIDTH;
/** 256^6 records are the longest log: its tiles are on levels 0 to 5. */
export const MAX_TILE_LEVEL = 5;

/**
 * A whole tile's place: the roots of 256 perfect subtrees of 256^level records each, from 256·number on
 * (specification#tiles).
 */
export interface TilePlace {
  readonly level: number;
  readonly number: number;
}

/** Records that one tile of this level covers. */
export function tileSpan(level: number): number {
  return TILE_WIDTH ** (level + 1);
}

/** The tile that a subtree's root is made from: 256 roots of the nearest level below it, or of its own. */
export function tileOf({ from, level }: Subtree): TilePlace {
  const tileLevel = Math.floor(level / TILE_LEVELS);
  return { level: tileLevel, number: Math.floor(from / tileSpan(tileLevel)) };
}

/** Whether a log of `size` records has this tile whole; others are not kept. */
export function isTileWhole({ level, number }: TilePlace, size: number): boolean {
  return (number + 1) * tileSpan(level) <= size;
}

/**
 * The tiles that become whole while a log grows, lower levels first: each level is made of the one below.
 * @throws ArgumentError when `to` is smaller than `from`, or no log can have these sizes
 */
export function* completedTiles(from: number, to: number): Generator<TilePlace> {
  requireLogSize(from);
  requireLogSize(to);
  if (to < from) throw new ArgumentError(`A log of ${from} blocks cannot grow to ${to}.`);
  for (let level = 0; level <= MAX_TILE_LEVEL; level++) {
    const end = Math.floor(to / tileSpan(level));
    for (let number = Math.floor(from / tileSpan(level)); number < end; number++) yield { level, number };
  }
}

/** `<dataset>/tile/<level>/<number>`, the dataset in lower-case hex without 0x, numbers in decimal. */
export function tileKey(dataset: DatasetId, { level, number }: TilePlace): string {
  return `${dataset.slice(2)}/tile/${level}/${number}`;
}

/** What a tile's key says, or null when it is not one. */
export function parseTileKey(key: string): (TilePlace & { readonly dataset: DatasetId }) | null {
  const match = /^([0-9a-f]{64})\/tile\/([0-5])\/(0|[1-9][0-9]{0,14})$/.exec(key);
  const [, dataset, level, number] = match ?? [];
  if (dataset === undefined || level === undefined || number === undefined) return null;
  const place = { level: Number(level), number: Number(number) };
  return isTileWhole(place, MAX_LOG_BLOCKS) ? { dataset: `0x${dataset}` as DatasetId, ...place } : null;
}
