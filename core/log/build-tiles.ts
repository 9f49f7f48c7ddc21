import { concatBytes } from '../bytes.ts';
import { StateError } from '../errors.ts';
import type { LogReader } from './subtree-source.ts';
import { completedTiles, TILE_LEVELS, TILE_WIDTH, type TilePlace, tileSpan } from './tiles.ts';

/** A tile's bytes: 256 roots of 32 bytes, in the order of their records. They never change. */
export interface Tile extends TilePlace {
  readonly bytes: Uint8Array;
}

/**
 * The tiles that become whole while a log grows from one size to another, lower levels first. Of level 0 the source is
 * asked for leaf hashes, of a higher level for one root a tile below. A tile that reaches into a stretch that nobody has
 * (the source throws StateError) is left out; ask for stretches that are there, as each tile is tried.
 * @throws ArgumentError when the sizes are not those of a log that grows
 */
export async function* buildTiles(
  { subtrees }: Pick<LogReader, 'subtrees'>,
  from: number,
  to: number,
): AsyncGenerator<Tile> {
  for (const place of completedTiles(from, to)) {
    const span = tileSpan(place.level);
    const entries = Array.from({ length: TILE_WIDTH }, (_, i) => ({
      from: place.number * span + (i * span) / TILE_WIDTH,
      level: TILE_LEVELS * place.level,
    }));
    const roots = await orNull(subtrees(entries));
    if (roots !== null) yield { ...place, bytes: concatBytes(...roots) };
  }
}

async function orNull(roots: Promise<readonly Uint8Array[]>): Promise<readonly Uint8Array[] | null> {
  try {
    return await roots;
  } catch (cause) {
    if (cause instanceof StateError) return null;
    throw cause;
  }
}
