import { equalBytes } from '../../core/bytes.ts';
import type { Address, DatasetId, LogRoot } from '../../core/ids.ts';
import { MAX_GROWTH_BLOCKS } from '../../core/limits.ts';
import type { SignedHead } from '../../core/log/head.ts';
import { leafOfHead, type MapLeaf } from '../../core/rounds/map-leaf.ts';
import { readHeadsInMap } from '../../core/rounds/read-map.ts';
import { type MapChange, updateMap } from '../../core/rounds/update-map.ts';
import type { ServicePorts } from '../ports.ts';
import { readLogEntry } from '../state/log-entry.ts';
import { mapBounded } from '../state/map-bounded.ts';
import { forgetMark, type Mark } from '../state/work-marks.ts';
import { readMapEntry, writeMapEntry } from './map-entry.ts';
import { createTablePages, rememberPages } from './table-pages.ts';
import { type Era, noteReplaced } from './thin-rounds.ts';

export type TakeInPorts = Pick<ServicePorts, 'primitives' | 'table' | 'runtime'> & {
  readonly observer: Pick<ServicePorts['observer'], 'error' | 'count'>;
};

/** A dataset whose log has moved, with the newest head that the device has signed which writes it now; null: none yet. */
export interface MovedHead {
  readonly dataset: DatasetId;
  readonly head: SignedHead | null;
  /** Blocks from which the device writes that signed the head: what an earlier one signed above it is disowned. */
  readonly writesFrom: number;
  /** The mark that brought it here goes once the head is in the map, unless it was made again meanwhile; null: it stays. */
  readonly mark: Mark | null;
}

const PARALLEL = 32;

/**
 * Takes heads that have moved into the map that the next round is made of. A head that does not extend the one there stays
 * out and is told: a round whose head goes back would be the anchorer's own fault. A dataset that goes to another anchorer
 * keeps its last head here, where it counts no more. Work is in proportion to what has moved.
 * @returns false when another run has written the map meanwhile: begin again
 * @throws StateError when a page of the map is lost or damaged
 */
export async function takeInHeads(
  ports: TakeInPorts,
  account: Address,
  moved: readonly MovedHead[],
  era: Era,
  signal?: AbortSignal,
): Promise<boolean> {
  if (moved.length === 0) return true;
  const { primitives, table, runtime } = ports;
  const kept = await readMapEntry(table, account, signal);
  const pages = rememberPages(createTablePages(table, era, signal));
  const datasets = moved.map(({ dataset }) => dataset);
  const before = await readHeadsInMap(primitives, pages, kept.map, datasets);
  const changes = await mapBounded(moved, PARALLEL, (one) =>
    changeOf(ports, one, before.get(one.dataset) ?? null, signal),
  );
  const changed = changes.filter((change) => change !== null);
  if (changed.length > 0) {
    const { map, replaced } = await updateMap(primitives, pages, kept.map, changed);
    const { aheadSinceMs, wholeSince, condition } = kept;
    const entry = { map, aheadSinceMs: aheadSinceMs ?? runtime.nowMs(), wholeSince };
    if (!(await writeMapEntry(table, account, entry, condition, signal))) return false;
    await noteReplaced(table, account, { map, replaced }, era, signal);
  }
  await mapBounded(moved, PARALLEL, async ({ mark }) => {
    if (mark !== null) await forgetMark(table, mark, signal);
  });
  return true;
}

async function changeOf(
  ports: TakeInPorts,
  moved: MovedHead,
  before: MapLeaf | null,
  signal?: AbortSignal,
): Promise<MapChange | null> {
  const { dataset, head } = moved;
  if (head === null) return null;
  const leaf = leafOfHead(ports.primitives, head);
  if (before === null) return { dataset, leaf };
  if (before.size === leaf.size && equalBytes(before.root, leaf.root)) return null;
  if (isBoundedGrowth(before.size, leaf.size) && (await isExtended(ports, moved, before, leaf.size, signal)))
    return { dataset, leaf };
  const fields = { dataset, anchoredSize: before.size, size: leaf.size };
  ports.observer.error('a head does not extend the anchored one; rounds keep the anchored one', fields);
  ports.observer.count('Anchor.headsContested');
  return null;
}

/** Between an anchorer's rounds a head adds no more than DISSC would take. */
export function isBoundedGrowth(from: number, to: number): boolean {
  return to - from <= MAX_GROWTH_BLOCKS;
}

/** Whether the verified log, in which the new head is, has the head before. What an earlier device has no say in, it need not. */
async function isExtended(
  { table }: TakeInPorts,
  { dataset, head, writesFrom }: MovedHead,
  before: MapLeaf,
  size: number,
  signal?: AbortSignal,
): Promise<boolean> {
  if (head !== null && before.serial < head.serial && before.size > writesFrom) return true;
  if (size <= before.size) return false;
  const there = await readLogEntry(table, dataset, before.size, signal);
  return there !== null && equalBytes(there.root as LogRoot, before.root);
}
