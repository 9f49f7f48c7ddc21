/** How the anchor function goes about it. The bounds of a transaction are the chain's (design §5, §6). */
export interface AnchorSettings {
  /** A transaction that is not mined within this time is replaced by one with higher fees. */
  readonly replaceAfterMs: number;
  /** After this time a run stops where it is; the next one goes on. */
  readonly timeLimitMs: number;
  readonly maxUpdates: number;
  readonly maxGas: bigint;
  /** Of the updates, encoded. A transaction has at most 131,072 bytes. */
  readonly maxUpdateBytes: number;
  /** Transactions under way at a time. */
  readonly maxOpen: number;
  /** A grant that ends within this time of the latest block pays for nothing more: it may be over when that is mined. */
  readonly grantMarginMs: number;
  /** No event of the contracts is in an earlier block. */
  readonly fromBlock: number;
}

export const DEFAULT_ANCHOR_SETTINGS: AnchorSettings = {
  replaceAfterMs: 120_000,
  timeLimitMs: 20_000,
  maxUpdates: 100,
  maxGas: 15_000_000n,
  maxUpdateBytes: 126_000,
  maxOpen: 8,
  // Two slots of a public chain.
  grantMarginMs: 24_000,
  fromBlock: 0,
};
