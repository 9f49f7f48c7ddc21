import type { Address } from '../../core/ids.ts';
import type { UsageEntry } from './entries.ts';
import { RecentMap } from './recent-map.ts';

const MOST = 10_000;

/** An owner's usage as it was read or written. */
export interface StoredUsage {
  readonly usage: UsageEntry;
  /** Of the item; null when there is none yet. */
  readonly version: number | null;
}

/**
 * What one function remembers of its owners' usage: spares the reading, as the writing is conditional. Made once for a
 * handler; another one's may say otherwise.
 */
export class UsageMemory {
  readonly #usage = new RecentMap<Address, { readonly stored: StoredUsage; readonly moment: number }>(MOST);
  readonly #counted = new RecentMap<string, true>(MOST);
  #moment = 0;

  /** A moment in the order of what is remembered here. */
  moment(): number {
    return ++this.#moment;
  }

  /** The owner's usage, if it was known before that moment. */
  before(moment: number, owner: Address): StoredUsage | null {
    const known = this.#usage.get(owner);
    return known !== undefined && known.moment < moment ? known.stored : null;
  }

  keep(owner: Address, stored: StoredUsage): void {
    this.#usage.set(owner, { stored, moment: this.moment() });
  }

  forget(owner: Address): void {
    this.#usage.delete(owner);
  }

  /** Remembers that a segment says that it is counted, so that the next count need not read it to know. */
  noteCounted(key: string): void {
    this.#counted.set(key, true);
  }

  isCounted(key: string): boolean {
    return this.#counted.has(key);
  }
}
