import type { DatasetId } from '../../core/ids.ts';
import type { PartialSubtrees } from '../../core/log/mend-subtrees.ts';
import { subtreesOfTiles } from '../../core/log/subtrees-of-tiles.ts';
import { isTileWhole, TILE_BYTES, TILE_LEVELS, tileKey, tileOf } from '../../core/log/tiles.ts';
import type { ObjectReader } from '../ports.ts';
import { readDatasetEntry } from '../state/dataset-entry.ts';
import type { LogPorts } from './log-ports.ts';
import type { RecordsReader } from './records-reader.ts';
import { subtreesOfEntries } from './subtrees-of-entries.ts';

/**
 * A log's subtrees from what is stored of it, what takes the fewest reads first: pages of records that were read already, whole
 * tiles in the bucket, the log's entries, and then whatever tiles and records give together.
 */
export function subtreesOfStored(
  ports: LogPorts,
  dataset: DatasetId,
  records: RecordsReader,
  signal?: AbortSignal,
): readonly PartialSubtrees[] {
  const { primitives, table, objects } = ports;
  const tiles = new Map<string, Promise<Uint8Array | null>>();
  let tiledTo: Promise<number> | null = null;
  const tiled = async () => {
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
    return { size, ask };
  };
  const ofPages = subtreesOfTiles({
    hasher: primitives,
    size: 0,
    readTile: async () => null,
    readLeaves: (from, to) => records.leavesAtHand(from, to),
  });
  return [
    only(({ level }) => level < TILE_LEVELS, ofPages),
    async (subtrees) => {
      const { size, ask } = await tiled();
      return only((subtree) => isTileWhole(tileOf(subtree), size), ask)(subtrees);
    },
    subtreesOfEntries(ports, dataset, records, signal),
    async (subtrees) => (await tiled()).ask(subtrees),
  ];
}

/** A source that is asked for some of the subtrees alone. */
function only(
  isAsked: (subtree: Parameters<PartialSubtrees>[0][number]) => boolean,
  ask: PartialSubtrees,
): PartialSubtrees {
  return async (subtrees) => {
    const asked = subtrees.filter(isAsked);
    const found = asked.length === 0 ? [] : await ask(asked);
    let next = 0;
    return subtrees.map((subtree) => (isAsked(subtree) ? (found[next++] ?? null) : null));
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
