import type { PresentedVoucher } from '../../core/agreement/key-request.ts';
import { MAX_MESSAGES } from '../../core/agreement/message.ts';
import { dueFor, MAX_SAMPLES, paidBlocks } from '../../core/agreement/quota.ts';
import type { AgreementDomain } from '../../core/agreement/terms.ts';
import { signVoucher } from '../../core/agreement/voucher.ts';
import { counted } from '../../core/counted.ts';
import { ArgumentError, StateError } from '../../core/errors.ts';
import type { PrivateKey } from '../../core/ids.ts';
import type { AgreementService } from '../../core/ports/service.ts';
import type { Purchase } from './open-purchase.ts';
import type { PurchaseStore } from './purchase-state.ts';

/** What a consumer signs and shows vouchers with. */
export interface PaymentDeps {
  readonly service: Pick<AgreementService, 'storeVoucher'>;
  readonly store: PurchaseStore;
  readonly domain: AgreementDomain;
  readonly signerKey: PrivateKey;
  /** By the chain's newest block or this machine, whichever is later. */
  readNowSeconds(signal?: AbortSignal): Promise<number>;
}

interface PaidDelivery {
  readonly purchase: Purchase;
  readonly ahead: number;
}

/** Below so many blocks each is paid for alone: what one costs is what is risked. */
const PAID_SINGLY_BELOW = 200;

/**
 * Blocks paid for ahead where nothing else is said: small enough to lose, large enough for fifty rounds to do.
 *
 * @example
 * console.log(defaultAhead(150), defaultAhead(10_000)); // 1 200
 */
export function defaultAhead(count: number): number {
  return count < PAID_SINGLY_BELOW ? 1 : Math.ceil(count / 50);
}

/** Never more ahead than were verified before, nor than a request can name. */
export function stepOf({ ahead }: Pick<PaidDelivery, 'ahead'>, verified: number): number {
  return Math.min(Math.max(1, ahead), MAX_SAMPLES, Math.max(1, verified));
}

function countSteps(delivery: Pick<PaidDelivery, 'ahead'>, from: number, count: number): number {
  let steps = 0;
  for (let verified = from; verified < count; verified += stepOf(delivery, verified)) steps++;
  return steps;
}

/**
 * Each step is a message at least, to the owner and back: before anything is signed, there must be enough of them.
 * @throws StateError when no number of blocks at a time leaves enough messages; ArgumentError when a higher one does
 */
export function requireMessagesFor(delivery: PaidDelivery, { state }: PurchaseStore): void {
  const left = MAX_MESSAGES - Math.max(state.nextSequence, state.readUpTo);
  const { count } = delivery.purchase.terms;
  const steps = (ahead: number) => countSteps({ ahead }, state.verified, count);
  if (steps(delivery.ahead) <= left) return;
  const blocks = count - state.verified;
  const problem = `${counted(blocks, 'block')}, ${delivery.ahead} at a time, need ${steps(delivery.ahead)} messages, but this agreement has only ${left} left.`;
  if (steps(MAX_SAMPLES) > left) throw new StateError(`${problem} End the agreement: plumb consumer quit`);
  let enough = delivery.ahead;
  while (steps(enough) > left) enough++;
  throw new ArgumentError(`${problem} Pay for at least ${enough} ahead.`);
}

/**
 * Signs for the first `places` blocks of the range. False when so many are paid for already.
 * @throws StateError in the last window of the agreement; RequestRefusedError, StoreUnavailableError as the service answers
 */
export async function payFor(
  deps: PaymentDeps,
  purchase: Purchase,
  places: number,
  signal?: AbortSignal,
): Promise<boolean> {
  const { store } = deps;
  if (paidBlocks(purchase.terms, highestDue(purchase, store)) >= places) return false;
  await requireTimeToDemand(deps, purchase, signal);
  // Remembered before it is shown: what was ever signed is owed.
  await store.save({ due: dueFor(purchase.terms, places) });
  await showVoucher(deps, purchase, signal);
  return true;
}

/** What is signed for too late could be kept back: a key can be demanded until the end alone. */
async function requireTimeToDemand(
  { readNowSeconds }: PaymentDeps,
  { id, terms, buyer }: Purchase,
  signal?: AbortSignal,
): Promise<void> {
  const lastSeconds = buyer.endSeconds - terms.windowSeconds;
  if ((await readNowSeconds(signal)) <= lastSeconds) return;
  throw new StateError(
    `Agreement ${id} is in its last ${terms.windowSeconds} s. No more is paid, because you could no longer demand a missing key ` +
      'in time. The unpaid part comes back when the agreement is closed.',
  );
}

/**
 * Shows the highest voucher to the storage; the owner gets it with the next request.
 * @throws RequestRefusedError, StoreUnavailableError as the service answers; ArgumentError as `signVoucher`
 */
export async function showVoucher(deps: PaymentDeps, purchase: Purchase, signal?: AbortSignal): Promise<void> {
  const voucher = signedVoucher(deps, purchase);
  if (voucher === null || voucher.due <= purchase.due) return;
  await deps.service.storeVoucher({ agreement: purchase.id, due: voucher.due }, voucher.signature, signal);
}

/**
 * The highest voucher that was ever signed, once more: signatures are deterministic.
 * @throws ArgumentError as `signVoucher`
 */
export function signedVoucher({ store, domain, signerKey }: PaymentDeps, purchase: Purchase): PresentedVoucher | null {
  const { due } = store.state;
  if (due === 0n) return null;
  return { due, signature: signVoucher(domain, { agreement: purchase.id, due }, signerKey) };
}

/**
 * What is owed by now: by the chain, or by the highest voucher.
 *
 * @example
 * import { newPurchase } from 'plumbline/client/consumer/purchase-state';
 * const store = { state: { ...newPurchase(`0x${'11'.repeat(32)}`), due: 7n }, save: async () => {} };
 * console.log(highestDue({ due: 5n }, store)); // 7n
 */
export function highestDue(purchase: Pick<Purchase, 'due'>, store: PurchaseStore): bigint {
  if (purchase.due > store.state.due) return purchase.due;
  return store.state.due;
}
