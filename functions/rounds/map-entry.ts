import type { Address } from '../../core/ids.ts';
import type { Table, WriteCondition } from '../../core/ports/table.ts';
import { EMPTY_MAP } from '../../core/rounds/map-leaf.ts';
import { MAP_SK, type MapEntry, parseMapEntry, roundsPk } from './round-items.ts';

export interface KeptMap extends MapEntry {
  /** Of the next write. */
  readonly condition: WriteCondition;
  /** Whether there is one: none was made yet, or it is lost or damaged. */
  readonly isThere: boolean;
}

/** The map of the newest heads; the empty one where there is none. */
export async function readMapEntry(
  table: Pick<Table, 'get'>,
  account: Address,
  signal?: AbortSignal,
): Promise<KeptMap> {
  const item = await table.get(roundsPk(account), MAP_SK, signal);
  const entry = parseMapEntry(item);
  const condition = item === null ? 'absent' : { version: item.version };
  if (entry !== null) return { ...entry, condition, isThere: true };
  return { map: EMPTY_MAP, aheadSinceMs: null, wholeSince: 0, condition, isThere: false };
}

/** False when another run has written it meanwhile. */
export function writeMapEntry(
  table: Pick<Table, 'put'>,
  account: Address,
  { map, aheadSinceMs, wholeSince }: MapEntry,
  condition: WriteCondition,
  signal?: AbortSignal,
): Promise<boolean> {
  return table.put({ pk: roundsPk(account), sk: MAP_SK, map, aheadSinceMs, wholeSince }, condition, signal);
}
