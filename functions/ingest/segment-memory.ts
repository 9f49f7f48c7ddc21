import type { Address, DatasetId } from '../../core/ids.ts';
import type { ChainRound } from '../rounds/round-items.ts';
import type { KeptCharter } from '../state/dataset-entry.ts';
import type { DatasetEntry } from '../state/entries.ts';
import { FollowedMemory } from '../state/followed-charters.ts';
import { RecentMap } from '../state/recent-map.ts';
import { UsageMemory } from '../state/usage-memory.ts';

const MOST = 10_000;

/** Something that was read, and when by the monotonic clock. */
export interface Remembered<T> {
  readonly value: T;
  readonly atMs: number;
}

/** What a handler remembers from one segment to the next: it spares requests and decides nothing. Made once for a handler. */
export class SegmentMemory {
  readonly usage = new UsageMemory();
  /** Longest spans of datasets that were seen noted, in ms: they only grow. */
  readonly spansMs = new RecentMap<DatasetId, number>(MOST);
  /** Keys that addresses were given for: whoever asks again may have stored it. Others need not be looked for. */
  readonly presigned = new RecentMap<string, true>(MOST);
  /** Charters by the table alone, where the anchor follows the chain. */
  readonly followed = new FollowedMemory();
  /** Charters of datasets. They never change, and of a new one the chain tells. */
  readonly charters = new RecentMap<DatasetId, readonly KeptCharter[]>(MOST);
  /** Versions of the marks that the anchor looks for, as they were last written here. */
  readonly marks = new RecentMap<DatasetId, number>(MOST);
  /** Datasets and their owners' stored bytes as they were lately: for telling a device early, not for keeping to a bound. */
  readonly datasets = new RecentMap<DatasetId, Remembered<DatasetEntry>>(MOST);
  /** Newest final rounds of anchorers, as they were lately: for telling a device when to ask the chain. */
  readonly rounds = new RecentMap<Address, Remembered<ChainRound | null>>(MOST);
  readonly stored = new RecentMap<string, Remembered<{ readonly bytes: number; readonly datasets: number }>>(MOST);
}
