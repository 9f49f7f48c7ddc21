import type { MinedTransaction } from '../../core/ports/mined-transaction.ts';
import type { PurchaseStore } from './purchase-state.ts';

/**
 * Adds a transaction to what the purchase has cost; once, however often it is told.
 *
 * @example
 * const made = { txHash: `0x${'ab'.repeat(32)}`, blockNumber: 7, gasUsed: 21_000n, feeWei: 42_000n };
 * await noteTransaction(purchaseStore, 'approve', made);
 * console.log(purchaseStore.state.transactions.length);
 */
export async function noteTransaction(store: PurchaseStore, call: string, made: MinedTransaction): Promise<void> {
  const { txHash, blockNumber, gasUsed, feeWei } = made;
  const others = store.state.transactions.filter((one) => one.txHash !== txHash);
  await store.save({ transactions: [...others, { call, txHash, blockNumber, gasUsed, feeWei }] });
}
