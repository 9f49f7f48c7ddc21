import * as z from 'zod';
import { datasetOfCharter } from '../../core/charter/charter.ts';
import type { DatasetId } from '../../core/ids.ts';
import type { ChainDevice } from '../../core/ports/ledger.ts';
import type { Runtime } from '../../core/ports/runtime.ts';
import type { ServicePorts, TableReader } from '../ports.ts';
import { type KeptCharter, readKeptCharters } from './dataset-entry.ts';
import { CHARTERED_PK, FOLLOWED_SK } from './entries.ts';
import { RecentMap } from './recent-map.ts';

/** How far the anchor has followed the charters that DISSC accepts. */
export interface Followed {
  /** Up to this block, which was final, all of them are kept. */
  readonly finalTo: number;
  /** Time of the chain's newest block up to which all are kept; null while some are still to be read. */
  readonly readAtMs: number | null;
  /** Counts up with everything that was found: as long as it stands still, so do the charters. */
  readonly changes: number;
}

const count = z.int().min(0);
const followedItem = z.object({ finalTo: count, readAtMs: count.nullable(), changes: count });

/** Null for an item that is damaged: what it said is read again. */
export function parseFollowed(item: unknown): Followed | null {
  const parsed = followedItem.safeParse(item);
  return parsed.success ? parsed.data : null;
}

/**
 * How old the table's word may be, by the time of the chain's block: the anchor reads anew every minute, and takes up to half a
 * minute for it (specification#rights).
 */
const GOOD_FOR_MS = 120_000;
/** By so much the chain's clock may be ahead. */
const AHEAD_MS = 60_000;
/** How often a function looks how far the anchor is. */
const LOOK_MS = 5_000;
const MOST = 10_000;

/** Charters that a function has read, as long as the anchor finds no others. Made once for a handler. */
export class FollowedMemory {
  followed: { readonly value: Followed | null; readonly atMs: number } | null = null;
  readonly charters = new RecentMap<DatasetId, { readonly changes: number; readonly kept: readonly KeptCharter[] }>(
    MOST,
  );
}

interface Ports {
  readonly table: TableReader;
  readonly ledger: Pick<ServicePorts['ledger'], 'domain'>;
  readonly runtime: Pick<Runtime, 'nowMs' | 'monotonicMs'>;
}

/**
 * A dataset's charters by the table alone, as the anchor has last followed the chain: two minutes old at most. Null where the
 * chain is to be asked: the anchor is behind, or what is kept is damaged.
 */
export async function readFollowedCharters(
  ports: Ports,
  memory: FollowedMemory,
  dataset: DatasetId,
  signal?: AbortSignal,
): Promise<readonly KeptCharter[] | null> {
  const followed = await readFollowed(ports, memory, signal);
  if (followed === null || !isGood(followed, ports.runtime.nowMs())) return null;
  const known = memory.charters.get(dataset);
  if (known?.changes === followed.changes) return known.kept;
  const { charters: kept, isWhole } = await readKeptCharters(ports.table, dataset, signal);
  const isOwn = ({ charter }: KeptCharter) => datasetOfCharter(ports.ledger.domain, charter) === dataset;
  if (!isWhole || !kept.every(isOwn)) return null;
  // Whoever shows the first one is not followed: it is looked for again.
  if (kept.length > 0) memory.charters.set(dataset, { changes: followed.changes, kept });
  return kept;
}

async function readFollowed({ table, runtime }: Ports, memory: FollowedMemory, signal?: AbortSignal) {
  const atMs = runtime.monotonicMs();
  if (memory.followed !== null && atMs - memory.followed.atMs < LOOK_MS) return memory.followed.value;
  const value = parseFollowed(await table.get(CHARTERED_PK, FOLLOWED_SK, signal));
  memory.followed = { value, atMs };
  return value;
}

function isGood({ readAtMs }: Followed, nowMs: number): boolean {
  return readAtMs !== null && nowMs - readAtMs <= GOOD_FOR_MS && readAtMs - nowMs <= AHEAD_MS;
}

/** The device by the newest of the charters that DISSC has; null where it has none of them. */
export function chainDeviceOf(charters: readonly KeptCharter[]): ChainDevice | null {
  const newest = charters.findLast(({ onChain }) => onChain)?.charter;
  return newest === undefined ? null : { device: newest.device, serial: newest.serial };
}
