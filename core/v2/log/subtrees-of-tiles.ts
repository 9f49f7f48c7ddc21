import { ArgumentError } from '../../errors.ts';
import type { Primitives } from '../../ports/primitives.ts';
import { rootOfLeafHashes } from './merkle.ts';
import type { SubtreeSource } from './subtree-source.ts';
import type { Subtree } from './subtrees.ts';
import { isTileWhole, TILE_BYTES, TILE_LEVELS, TILE_WIDTH, type TilePlace } from './tiles.ts';

/** What a log's subtrees are read from. Nothing of it is believed: a proof is compared with the log's own root. */
export interface TiledLog {
  readonly hasher: Pick<Primitives, 'sha256'>;
  /** Records up to which tiles are asked for. */
  readonly size: number;
  /** A whole tile's bytes, or null when it is lost or not made yet; then the level below stands in for it. */
  readTile(place: TilePlace): Promise<Uint8Array | null>;
  /** Hashes of the leaves from … to - 1 where no tile of level 0 has them: from the segments themselves. */
  readLeaves(from: number, to: number): Promise<readonly Uint8Array[]>;
}

/**
 * A source of subtrees over tiles: at most one tile a subtree, and at most 128 of the level below where the tile is not
 * whole. Within one call each tile is read once.
 * @example
 * const subtrees = subtreesOfTiles({ hasher, size: head.size, readTile, readLeaves });
 * const path = await proveInclusion({ hasher, subtrees }, index, head.size);
 */
export function subtreesOfTiles(log: TiledLog): SubtreeSource {
  return async (subtrees) => {
    const tiles = new Map<string, Promise<Uint8Array | null>>();
    const read = (place: TilePlace): Promise<Uint8Array | null> => {
      const name = `${place.level}/${place.number}`;
      const known = tiles.get(name) ?? log.readTile(place);
      tiles.set(name, known);
      return known;
    };
    return Promise.all(subtrees.map((subtree) => rootOf(log, read, subtree)));
  };
}

type ReadTile = TiledLog['readTile'];

async function rootOf(log: TiledLog, read: ReadTile, { from, level }: Subtree): Promise<Uint8Array> {
  const tileLevel = Math.floor(level / TILE_LEVELS);
  const count = 2 ** (level % TILE_LEVELS);
  const entries = await readEntries(log, read, tileLevel, from / TILE_WIDTH ** tileLevel, count);
  return rootOfLeafHashes(log.hasher, entries);
}

/** Roots of subtrees of 256^level records, `count` of them from number `first` on, all within one tile. */
async function readEntries(
  log: TiledLog,
  read: ReadTile,
  level: number,
  first: number,
  count: number,
): Promise<readonly Uint8Array[]> {
  const place = { level, number: Math.floor(first / TILE_WIDTH) };
  const bytes = isTileWhole(place, log.size) ? await read(place) : null;
  if (bytes !== null) {
    if (bytes.length !== TILE_BYTES) {
      throw new ArgumentError(`Tile ${level}/${place.number} has ${bytes.length} bytes; it must have ${TILE_BYTES}.`);
    }
    const at = 32 * (first % TILE_WIDTH);
    return Array.from({ length: count }, (_, i) => bytes.subarray(at + 32 * i, at + 32 * (i + 1)));
  }
  if (level === 0) return log.readLeaves(first, first + count);
  return Promise.all(
    Array.from({ length: count }, async (_, i) =>
      rootOfLeafHashes(log.hasher, await readEntries(log, read, level - 1, (first + i) * TILE_WIDTH, TILE_WIDTH)),
    ),
  );
}
