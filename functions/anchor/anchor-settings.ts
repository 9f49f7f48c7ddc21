/** How the anchor function goes about it. How much gas one transaction may take is the chain's to say. */
export interface AnchorSettings {
  /** A transaction that is not mined within this time is replaced by one with higher fees. */
  readonly replaceAfterMs: number;
  /** After this time a run stops where it is; the next one goes on. */
  readonly timeLimitMs: number;
  /** Of charters and updates, encoded. No pool takes a transaction of more than 131,072 bytes. */
  readonly maxCallBytes: number;
  /** Transactions that wait to be mined at a time. */
  readonly maxOpen: number;
  /** A grant that ends within this time of the latest block pays for nothing more: it may be over when that is mined. */
  readonly grantMarginMs: number;
  /** Of rounds that need not all stay provable, the last of each of these periods does. */
  readonly thenOneAMs: number;
  /** No event of the contracts is in an earlier block. */
  readonly fromBlock: number;
}

export const DEFAULT_ANCHOR_SETTINGS: AnchorSettings = {
  replaceAfterMs: 120_000,
  timeLimitMs: 20_000,
  maxCallBytes: 126_000,
  maxOpen: 8,
  // Two slots of a public chain.
  grantMarginMs: 24_000,
  thenOneAMs: 86_400_000,
  fromBlock: 0,
};
