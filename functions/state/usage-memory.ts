import type { Address, DatasetId } from '../../core/ids.ts';
import type { UsageEntry } from './entries.ts';
import { RecentMap } from './recent-map.ts';

const MOST = 10_000;

/** A dataset's usage as it was read or written. */
export interface StoredUsage {
  readonly usage: UsageEntry;
  /** Of the item; null when there is none yet. */
  readonly version: number | null;
}

/** What all of an owner's datasets had, and when by the monotonic clock. */
export interface OwnerUsage {
  readonly byDataset: ReadonlyMap<DatasetId, number>;
  readonly totalBytes: number;
  readonly atMs: number;
}

interface KeptUsage {
  readonly byDataset: Map<DatasetId, number>;
  totalBytes: number;
  readonly atMs: number;
}

/** Owners of many datasets are held with all of them. */
const MOST_OWNERS = 100;

/**
 * What one function remembers of its owners' usage: spares the reading, as the writing is conditional. Made once for a
 * handler; another one's may say otherwise.
 */
export class UsageMemory {
  readonly #owners = new RecentMap<Address, KeptUsage>(MOST_OWNERS);
  readonly #usage = new RecentMap<DatasetId, { readonly stored: StoredUsage; readonly moment: number }>(MOST);
  readonly #counted = new RecentMap<string, true>(MOST);
  #moment = 0;

  /** A moment in the order of what is remembered here. */
  moment(): number {
    return ++this.#moment;
  }

  ownerUsage(owner: Address): OwnerUsage | null {
    return this.#owners.get(owner) ?? null;
  }

  keepOwnerUsage(owner: Address, usage: OwnerUsage): void {
    this.#owners.set(owner, { ...usage, byDataset: new Map(usage.byDataset) });
  }

  /** What this function itself has counted since. */
  noteOwn(owner: Address, dataset: DatasetId, bytes: number): void {
    const kept = this.#owners.get(owner);
    if (kept === undefined) return;
    kept.totalBytes += bytes - (kept.byDataset.get(dataset) ?? 0);
    kept.byDataset.set(dataset, bytes);
  }

  /** The dataset's usage, if it was known before that moment. */
  before(moment: number, dataset: DatasetId): StoredUsage | null {
    const known = this.#usage.get(dataset);
    return known !== undefined && known.moment < moment ? known.stored : null;
  }

  keep(dataset: DatasetId, stored: StoredUsage): void {
    this.#usage.set(dataset, { stored, moment: this.moment() });
  }

  forget(dataset: DatasetId): void {
    this.#usage.delete(dataset);
  }

  /** Remembers that a segment says that it is counted, so that the next count need not read it to know. */
  noteCounted(key: string): void {
    this.#counted.set(key, true);
  }

  isCounted(key: string): boolean {
    return this.#counted.has(key);
  }
}
