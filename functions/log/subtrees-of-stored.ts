import type { DatasetId } from '../../core/ids.ts';
import type { PartialSubtrees } from '../../core/log/mend-subtrees.ts';
import { rootOfLeafHashes } from '../../core/log/merkle.ts';
import type { Subtree } from '../../core/log/subtrees.ts';
import { subtreesOfTiles } from '../../core/log/subtrees-of-tiles.ts';
import { isTileWhole, TILE_BYTES, TILE_LEVELS, TILE_WIDTH, tileKey, tileOf } from '../../core/log/tiles.ts';
import type { ObjectReader } from '../ports.ts';
import { RECORDS_PAGE } from '../state/records-entry.ts';
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
  const { primitives, objects } = ports;
  const tiles = new Map<string, Promise<Uint8Array | null>>();
  const tiled = async () => {
    const size = await records.tiledTo();
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
  const ofPages: PartialSubtrees = (subtrees) =>
    Promise.all(
      subtrees.map(async ({ from, level }) => {
        const leaves = await records.leavesAtHand(from, from + 2 ** level);
        return leaves === null ? null : rootOfLeafHashes(primitives, leaves);
      }),
    );
  return [
    only(({ level }) => 2 ** level <= RECORDS_PAGE, ofPages),
    async (subtrees) => {
      const { size, ask } = await tiled();
      // What one tile below is all of takes one read, too.
      const isInTile = ({ from, level }: Subtree) =>
        isTileWhole(tileOf({ from, level }), size) || (level === TILE_LEVELS && from + TILE_WIDTH <= size);
      return only(isInTile, ask)(subtrees);
    },
    subtreesOfEntries(ports, dataset, records, signal),
    async (subtrees) => (await tiled()).ask(subtrees),
  ];
}

/** A source that is asked for some of the subtrees alone. */
function only(isAsked: (subtree: Subtree) => boolean, ask: PartialSubtrees): PartialSubtrees {
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
