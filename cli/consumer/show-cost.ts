import type { MadeTransaction } from '../../client/consumer/purchase-state.ts';
import { counted } from '../../core/counted.ts';
import { NATIVE_COIN } from '../../core/ids.ts';
import type { OpenedPurchase } from '../../library/opened-consumer.ts';
import { showAmount } from '../show-amount.ts';

/** What a command cost, and what the purchase has cost in gas so far. */
export interface Cost {
  readonly requests: number;
  readonly sentBytes: number;
  readonly receivedBytes: number;
  /** Of this purchase's transactions so far; verifying needs none. */
  readonly gasUsed: bigint;
  readonly feeWei: bigint;
}

export function costOf({ traffic, store }: Pick<OpenedPurchase, 'traffic' | 'store'>): Cost {
  const sum = (pick: (made: MadeTransaction) => bigint): bigint =>
    store.state.transactions.reduce((total, made) => total + pick(made), 0n);
  return { ...traffic, gasUsed: sum(({ gasUsed }) => gasUsed), feeWei: sum(({ feeWei }) => feeWei) };
}

export function costText({ requests, sentBytes, receivedBytes, gasUsed, feeWei }: Cost): string {
  const bytes = `${receivedBytes.toLocaleString('en')} bytes received, ${sentBytes.toLocaleString('en')} sent`;
  const gas = `${gasUsed.toLocaleString('en')} gas in this purchase so far (${showAmount(feeWei, NATIVE_COIN)})`;
  return `${counted(requests, 'request')}, ${bytes}; ${gas}`;
}
