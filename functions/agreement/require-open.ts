import type { Agreement, Buyer } from '../../core/ports/agreements.ts';
import { Problem } from '../answer/problem.ts';
import { OPEN_STATES } from '../rights/open-states.ts';

/**
 * Vouchers and messages are taken until the owner's time to claim is over, also of an agreement that was approved: all of it
 * is still to be delivered (specification#delivery).
 * @throws Problem when the agreement is settled otherwise, or that time has passed
 */
export function requireOpen(agreement: Agreement, nowMs: number): Buyer {
  const { buyer, state, due, terms } = agreement;
  const isOpen = OPEN_STATES.includes(state) || (state === 'closed' && due === terms.price);
  const untilMs = buyer === null ? 0 : 1000 * (buyer.endSeconds + terms.windowSeconds);
  if (buyer === null || !isOpen || nowMs > untilMs) {
    throw new Problem(
      '/problems/ended',
      `The agreement is ${state}; the time to settle it ended at ${isoTime(untilMs)}.`,
    );
  }
  return buyer;
}

function isoTime(ms: number): string {
  return new Date(ms).toISOString();
}
