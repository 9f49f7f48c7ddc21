import type { DatasetId } from '../../core/ids.ts';
import type { PartialSubtrees } from '../../core/log/mend-subtrees.ts';
import { subtreesOfTiles } from '../../core/log/subtrees-of-tiles.ts';
import { isTileWhole, TILE_BYTES, tileKey } from '../../core/log/tiles.ts';
import type { ObjectReader } from '../ports.ts';
import { readDatasetEntry } from '../state/dataset-entry.ts';
import type { LogPorts } from './log-ports.ts';
import type { RecordsReader } from './records-reader.ts';

/** A log's subtrees from its tiles in the bucket and, behind them, from the records in the table. */
export function subtreesOfStored(
  { primitives, table, objects }: LogPorts,
  dataset: DatasetId,
  records: RecordsReader,
  signal?: AbortSignal,
): PartialSubtrees {
  let tiledTo: Promise<number> | null = null;
  const tiles = new Map<string, Promise<Uint8Array | null>>();
  return async (subtrees) => {
    if (subtrees.length === 0) return [];
    tiledTo ??= readDatasetEntry(table, dataset, signal).then((entry) => entry.tiledTo ?? 0);
    const size = await tiledTo;
    const ask = subtreesOfTiles({
      hasher: primitives,
      size,
      readTile: async (place) => {
        if (!isTileWhole(place, size)) return null;
        const key = tileKey(dataset, place);
        const read = tiles.get(key) ?? readTile(objects, key, signal);
        tiles.set(key, read);
        return read;
      },
      readLeaves: (from, to) => records.leaves(from, to),
    });
    return ask(subtrees);
  };
}

async function readTile(
  objects: Pick<ObjectReader, 'read'>,
  key: string,
  signal?: AbortSignal,
): Promise<Uint8Array | null> {
  const bytes = await objects.read(key, { start: 0, end: TILE_BYTES + 1 }, signal);
  // A tile of another length is damaged: as good as none.
  return bytes?.length === TILE_BYTES ? bytes : null;
}
