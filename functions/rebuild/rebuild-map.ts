import { StateError } from '../../core/errors.ts';
import type { Address, DatasetId, MapRoot } from '../../core/ids.ts';
import { EMPTY_MAP, leafOfHead } from '../../core/rounds/map-leaf.ts';
import { listMap, readHeadsInMap } from '../../core/rounds/read-map.ts';
import { updateMap } from '../../core/rounds/update-map.ts';
import { findNewestHead } from '../anchor/newest-head.ts';
import { headOf } from '../log/open-log.ts';
import type { ServicePorts } from '../ports.ts';
import { readPartiesOf } from '../rights/read-parties.ts';
import { type FollowRoundsPorts, followRounds } from '../rounds/follow-rounds.ts';
import { readMapEntry, writeMapEntry } from '../rounds/map-entry.ts';
import { createTablePages, readTablePages } from '../rounds/table-pages.ts';
import { eraOf } from '../rounds/thin-rounds.ts';
import { readLogEnd } from '../state/log-entry.ts';

export type RebuildMapPorts = FollowRoundsPorts & Pick<ServicePorts, 'ledger' | 'runtime'>;

const AT_ONCE = 500;

/**
 * Makes the map of the next round whole again: of what is left of the old one, and of the newest head of every log that stands
 * in this account's rounds. From then on rounds are sent again, whatever the table has forgotten of those before.
 * @returns heads that the map has now; null where the account has never anchored, and nothing stands in its rounds
 * @throws LedgerUnavailableError, ChainAnswerError
 */
export async function rebuildMap(
  ports: RebuildMapPorts,
  { account, fromBlock, datasets }: Rebuilding,
  signal?: AbortSignal,
): Promise<number | null> {
  const { primitives, table } = ports;
  const { newest, final } = await followRounds(ports, account, fromBlock, signal);
  const kept = await readMapEntry(table, account, signal);
  // What is made again may be a part of any round from here on; what it takes the place of stays.
  const pages = createTablePages(table, eraOf({ newest, final }, true, ports.runtime.nowMs()), signal);
  let map = await readableMap(ports, kept.map, signal);
  for (let at = 0; at < datasets.length; at += AT_ONCE) {
    const heads = await newestHeads(ports, account, datasets.slice(at, at + AT_ONCE), signal);
    const there = await readHeadsInMap(
      primitives,
      pages,
      map,
      heads.map(({ dataset }) => dataset),
    );
    const leaves = heads.map((head) => leafOfHead(primitives, head));
    const changes = leaves
      .filter(({ dataset, size }) => size > (there.get(dataset)?.size ?? 0))
      .map((leaf) => ({ dataset: leaf.dataset, leaf }));
    if (changes.length > 0) ({ map } = await updateMap(primitives, pages, map, changes));
  }
  let held = 0;
  for await (const _ of listMap(primitives, pages, map)) held++;
  if (held === 0 && newest === null) return null;
  const wholeSince = Math.max(kept.wholeSince, newest?.number ?? 0);
  const entry = { map, aheadSinceMs: kept.aheadSinceMs, wholeSince };
  if (await writeMapEntry(table, account, entry, kept.condition, signal)) return held;
  throw new StateError("The anchor has meanwhile written the rounds' map. Run the command again.");
}

interface Rebuilding {
  /** The anchorer: the service's own account. */
  readonly account: Address;
  readonly fromBlock: number;
  readonly datasets: readonly DatasetId[];
}

/** The map that is kept, where every page of it is there; else an empty one. */
async function readableMap(ports: RebuildMapPorts, map: MapRoot, signal?: AbortSignal): Promise<MapRoot> {
  try {
    for await (const _ of listMap(ports.primitives, readTablePages(ports.table, signal), map)) signal?.throwIfAborted();
    return map;
  } catch (error) {
    if (error instanceof StateError) return EMPTY_MAP;
    throw error;
  }
}

async function newestHeads(
  ports: RebuildMapPorts,
  account: Address,
  datasets: readonly DatasetId[],
  signal?: AbortSignal,
) {
  const { parties } = await readPartiesOf(ports, datasets, signal);
  const heads = [];
  for (const [i, dataset] of datasets.entries()) {
    const own = parties[i] ?? null;
    if (own?.anchorer !== account) continue;
    const end = await readLogEnd(ports.table, dataset, signal);
    if (end === null) continue;
    const newest = await findNewestHead(ports.table, dataset, { recordedSize: 0, device: own.device }, end, signal);
    const head = headOf(dataset, newest);
    if (head !== null) heads.push(head);
  }
  return heads;
}
