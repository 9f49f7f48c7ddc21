import type { Agreement, AgreementParty, Agreements } from '../../core/ports/agreements.ts';
import { noteTransaction } from './note-transaction.ts';
import type { PurchaseStore } from './purchase-state.ts';

/** A transition of OCASC that a consumer makes by one call. */
export type SettlementCall = 'approve' | 'quit' | 'lapse' | 'breach' | 'close';

/** What a purchase is settled through. */
export interface SettleParts {
  readonly market: Pick<Agreements, 'readAgreement'>;
  /** OCASC as the consumer. */
  readonly party: Pick<AgreementParty, SettlementCall>;
  readonly store: PurchaseStore;
}

/** States in which a call was made already, or is of no use any more. */
const IS_DONE: Readonly<Record<SettlementCall, (agreement: Agreement, chainMs: number) => boolean>> = {
  approve: ({ state, due, terms }) => state === 'closed' && due === terms.price,
  quit: ({ buyer }, chainMs) => buyer !== null && 1000 * buyer.endSeconds <= chainMs,
  lapse: ({ state }) => state === 'lapsed' || state === 'breached',
  breach: ({ state }) => state === 'breached',
  close: ({ state }) => state === 'closed',
};

/**
 * Makes the call unless it was made before, in a run that did not see it.
 * @returns the agreement as it is then
 * @throws StateError when OCASC refuses; NotRecordedError when the transaction is not mined in time
 *
 * @example
 * const { state } = await settlePurchase({ market, party, store: purchaseStore }, purchase, 'approve');
 * console.log(state);
 */
export async function settlePurchase(
  { market, party, store }: SettleParts,
  purchase: Agreement,
  call: SettlementCall,
  signal?: AbortSignal,
): Promise<Agreement> {
  const { agreement: before, point } = await market.readAgreement(purchase.id, 'latest', signal);
  if (before !== null && IS_DONE[call](before, point.timestampMs)) return before;
  await noteTransaction(store, call, await party[call](purchase.id, signal));
  return (await market.readAgreement(purchase.id, 'latest', signal)).agreement ?? purchase;
}
