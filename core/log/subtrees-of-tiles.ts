import { ArgumentError } from '../errors.ts';
import type { Primitives } from '../ports/primitives.ts';
import type { PartialSubtrees } from './mend-subtrees.ts';
import { rootOfLeafHashes } from './merkle.ts';
import type { Subtree } from './subtrees.ts';
import { isTileWhole, TILE_BYTES, TILE_LEVELS, TILE_WIDTH, type TilePlace, tileOf } from './tiles.ts';

/** What a log's subtrees are read from. Nothing of it is believed: a proof is compared with the log's own root. */
export interface TiledLog {
  readonly hasher: Pick<Primitives, 'sha256'>;
  /** Records up to which tiles are asked for. */
  readonly size: number;
  /** A whole tile's bytes, or null when it is lost or was never made. */
  readTile(place: TilePlace): Promise<Uint8Array | null>;
  /** Hashes of the leaves from … to - 1 where no tile of level 0 has them: from the segments themselves; null where they are lost. */
  readLeaves(from: number, to: number): Promise<readonly Uint8Array[] | null>;
}

/**
 * Subtrees from tiles, null where tiles and leaves do not give one: at most one tile a subtree, and at most 128 of the level
 * below at the log's end, where a tile is not whole. Within one call each tile is read once.
 * @example
 * const subtrees = mendSubtrees(hasher, [knownSubtrees, subtreesOfTiles({ hasher, size: head.size, readTile, readLeaves })]);
 * const path = await proveInclusion({ hasher, subtrees }, index, head.size);
 */
export function subtreesOfTiles(log: TiledLog): PartialSubtrees {
  return async (subtrees) => {
    const tiles = new Map<string, Promise<Uint8Array | null>>();
    const read: TiledLog['readTile'] = (place) => {
      const name = `${place.level}/${place.number}`;
      const known = tiles.get(name) ?? log.readTile(place);
      tiles.set(name, known);
      return known;
    };
    return Promise.all(subtrees.map((subtree) => rootOf(log, read, subtree)));
  };
}

async function rootOf(log: TiledLog, read: TiledLog['readTile'], { from, level }: Subtree): Promise<Uint8Array | null> {
  const place = tileOf({ from, level });
  const { level: tileLevel } = place;
  const count = 2 ** (level % TILE_LEVELS);
  const first = from / TILE_WIDTH ** tileLevel;
  const tile = isTileWhole(place, log.size) ? await read(place) : null;
  if (tile !== null) return rootOfLeafHashes(log.hasher, entriesOf(place, tile, first % TILE_WIDTH, count));
  if (tileLevel === 0) {
    const leaves = await log.readLeaves(from, from + count);
    return leaves === null ? null : rootOfLeafHashes(log.hasher, leaves);
  }
  // A tile that should be there and is not may be one of a stretch that nobody has: the level below is asked for by halves.
  return isTileWhole(place, log.size)
    ? null
    : rootOfTilesBelow(log, read, { level: tileLevel - 1, number: first }, count);
}

async function rootOfTilesBelow(
  log: TiledLog,
  read: TiledLog['readTile'],
  { level, number }: TilePlace,
  count: number,
): Promise<Uint8Array | null> {
  const places = Array.from({ length: count }, (_, i) => ({ level, number: number + i }));
  const tiles = await Promise.all(places.map(read));
  const roots: Uint8Array[] = [];
  for (const [i, tile] of tiles.entries()) {
    if (tile === null) return null;
    const entries = entriesOf(places[i] as TilePlace, tile, 0, TILE_WIDTH);
    roots.push(rootOfLeafHashes(log.hasher, entries));
  }
  return rootOfLeafHashes(log.hasher, roots);
}

function entriesOf({ level, number }: TilePlace, tile: Uint8Array, from: number, count: number): Uint8Array[] {
  if (tile.length !== TILE_BYTES) {
    throw new ArgumentError(`Tile ${level}/${number} has ${tile.length} bytes; it must have ${TILE_BYTES}.`);
  }
  return Array.from({ length: count }, (_, i) => tile.subarray(32 * (from + i), 32 * (from + i + 1)));
}
