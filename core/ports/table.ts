export type ItemValue = string | number | boolean | null | Uint8Array;

/** One item: `pk` and `sk` name it; `version` counts its writes, from 1; `expiresAtS` lets the table forget it. */
export interface Item {
  readonly pk: string;
  readonly sk: string;
  readonly version: number;
  readonly expiresAtS?: number;
  readonly [attribute: string]: ItemValue | undefined;
}

/** What must hold for a write to happen. */
export type WriteCondition = 'absent' | 'any' | { readonly version: number };

/** What names an item. */
export type ItemKey = Pick<Item, 'pk' | 'sk'>;

/**
 * The service's state: single items, read strongly consistently, written under a condition. No transactions: whatever
 * must change together is one item. Methods throw StoreUnavailableError when the table cannot be reached.
 */
export interface Table {
  get(pk: string, sk: string, signal?: AbortSignal): Promise<Item | null>;
  /** Items of `pk` with from <= sk <= to in order of sk (or its reverse), at most `limit`; `next` continues after them. */
  query(
    pk: string,
    range: { from: string; to: string; limit: number; reverse?: boolean },
    signal?: AbortSignal,
  ): Promise<{ items: Item[]; next: string | null }>;
  /** Writes the item with its version raised by one (1 when absent); false when the condition does not hold. */
  put(
    item: Omit<Item, 'version'> & { readonly [attribute: string]: ItemValue | undefined },
    condition: WriteCondition,
    signal?: AbortSignal,
  ): Promise<boolean>;
  delete(pk: string, sk: string, condition: WriteCondition, signal?: AbortSignal): Promise<boolean>;
  /** Items in the order asked for, null for each missing one. Each is read at some moment, not all at the same. */
  getMany(keys: readonly ItemKey[], signal?: AbortSignal): Promise<(Item | null)[]>;
  /**
   * Writes these items in version 1, whatever is there: for items that are the same, whoever writes them. Not atomic: if it
   * throws, some may be written. No key may be named twice.
   */
  putMany(
    items: readonly (ItemKey & { readonly [attribute: string]: ItemValue | undefined })[],
    signal?: AbortSignal,
  ): Promise<void>;
  /** Deletes those of these items that exist, whatever their version. Not atomic. No key may be named twice. */
  deleteMany(keys: readonly ItemKey[], signal?: AbortSignal): Promise<void>;
}
