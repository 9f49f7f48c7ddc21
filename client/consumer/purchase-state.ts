import * as z from 'zod';
import type { AgreementId } from '../../core/ids.ts';

const count = z.int().min(0).max(Number.MAX_SAFE_INTEGER);
const amount = z
  .string()
  .regex(/^(0|[1-9][0-9]{0,77})$/)
  .transform(BigInt);

/** A transaction of this purchase, and what it cost. */
const madeTransaction = z.strictObject({
  call: z.string().min(1).max(32),
  txHash: z.string().regex(/^0x[0-9a-f]{64}$/),
  blockNumber: count,
  gasUsed: amount,
  feeWei: amount,
});

/** What a consumer remembers of an agreement. Nothing in it is secret: the keys follow from the mnemonic and the id. */
export const purchaseState = z.strictObject({
  version: z.literal(1),
  agreement: z.string().regex(/^0x[0-9a-f]{64}$/),
  /** Samples drawn so far: the storage and the owner count them. */
  sampled: z.array(count).max(4096),
  /** The sample of an audit that is not finished: the next one goes on with it. */
  openSample: z.array(count).max(4096).nullable(),
  /** Number of the next message to the owner. */
  nextSequence: z.int().min(0).max(4096),
  /** The owner's messages below this number were read. */
  readUpTo: z.int().min(0).max(4096),
  /** What the highest voucher says that was ever signed; zero before the first. */
  due: amount,
  /** Blocks of the range, from the first one on, that were delivered and verified. */
  verified: count,
  /** Those of them that only a key shown on the chain has opened: that they are the recorded bytes is not shown. */
  unproven: z.array(count).max(65_535).default([]),
  /** Folder in which all of it was written. */
  deliveredTo: z.string().min(1).max(4096).nullable(),
  transactions: z.array(madeTransaction).max(1000),
  /** What the owner said of the offer when it was accepted: whoever shows something else later has signed two. */
  described: z
    .strictObject({ text: z.string().max(4_096), signature: z.string().regex(/^0x[0-9a-f]{130}$/) })
    .nullable()
    .default(null),
});
export type PurchaseState = z.output<typeof purchaseState>;
export type MadeTransaction = PurchaseState['transactions'][number];

/** Where the state of one purchase is kept; `save` returns when it is durable. */
export interface PurchaseStore {
  readonly state: PurchaseState;
  save(change: Partial<PurchaseState>): Promise<void>;
}

/**
 * What is kept of an agreement of which nothing was done yet.
 *
 * @example
 * const { verified, transactions } = newPurchase(`0x${'11'.repeat(32)}`);
 * console.log(verified, transactions.length); // 0 0
 */
export function newPurchase(agreement: AgreementId): PurchaseState {
  return {
    ...{ version: 1, agreement, sampled: [], openSample: null, nextSequence: 0, readUpTo: 0 },
    ...{ due: 0n, verified: 0, unproven: [], deliveredTo: null, transactions: [], described: null },
  };
}
