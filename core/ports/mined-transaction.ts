/** A transaction that is in a block, and did what it was to do. */
export interface MinedTransaction {
  readonly txHash: string;
  readonly blockNumber: number;
  readonly gasUsed: bigint;
  /** What its sender paid for the gas. */
  readonly feeWei: bigint;
}
