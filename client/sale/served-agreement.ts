import { paidBlocks } from '../../core/agreement/quota.ts';
import type { EncryptionPrivateKey } from '../../core/agreement/seal-message.ts';
import type { Agreement, Buyer } from '../../core/ports/agreements.ts';
import type { SaleProgress } from './sale-rows.ts';

/** An agreement whose acceptance is final, as one step of the owner's side sees it. */
export interface ServedAgreement {
  /** At the final block: what is delivered depends on it. */
  readonly agreement: Agreement & { readonly buyer: Buyer };
  readonly encryptionKey: EncryptionPrivateKey;
  /** Whether the end has not come, by the chain's clock: nothing is delivered after it. */
  readonly delivers: boolean;
}

/** What is due by the highest voucher, or finally by the chain if that is more. */
export function dueOf({ agreement }: ServedAgreement, { voucher }: Pick<SaleProgress, 'voucher'>): bigint {
  return voucher !== null && voucher.due > agreement.due ? voucher.due : agreement.due;
}

export function paidOf(served: ServedAgreement, progress: Pick<SaleProgress, 'voucher'>): number {
  return paidBlocks(served.agreement.terms, dueOf(served, progress));
}
