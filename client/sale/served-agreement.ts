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
  /** What the newest block says is due, while a question is open: a breach would pay no more. Else null. */
  readonly securedDue: bigint | null;
}

/** What decides how much is paid for. */
export type SoldAgreement = Pick<ServedAgreement, 'agreement' | 'securedDue'>;

/** What is due by the highest voucher, or finally by the chain if that is more; while a question is open, by the chain alone. */
export function dueOf({ agreement, securedDue }: SoldAgreement, { voucher }: Pick<SaleProgress, 'voucher'>): bigint {
  if (securedDue !== null) return securedDue;
  return voucher !== null && voucher.due > agreement.due ? voucher.due : agreement.due;
}

/** @throws ArgumentError for terms that no agreement has */
export function paidOf(served: SoldAgreement, progress: Pick<SaleProgress, 'voucher'>): number {
  return paidBlocks(served.agreement.terms, dueOf(served, progress));
}
