import type { Agreement, Buyer } from '../../core/ports/agreements.ts';
import { Problem } from '../http/problem.ts';

/**
 * Vouchers and messages are taken until the owner's time to claim is over.
 * @throws Problem when the agreement is settled, or that time has passed
 */
export function requireOpen(agreement: Agreement, nowMs: number): Buyer {
  const { buyer, state } = agreement;
  const untilMs = buyer === null ? 0 : 1000 * (buyer.endSeconds + agreement.terms.windowSeconds);
  if (buyer === null || (state !== 'active' && state !== 'challenged') || nowMs > untilMs) {
    throw new Problem('/problems/ended', `The agreement is ${state}, and was to be settled by ${isoTime(untilMs)}.`);
  }
  return buyer;
}

function isoTime(ms: number): string {
  return new Date(ms).toISOString();
}
