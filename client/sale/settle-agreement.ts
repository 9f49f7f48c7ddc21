import { StateError } from '../../core/errors.ts';
import type { AgreementId } from '../../core/ids.ts';
import type { Agreement } from '../../core/ports/agreements.ts';
import type { SaleParts } from './sale-parts.ts';
import { readProgress } from './sale-rows.ts';
import type { SaleState } from './sale-state.ts';

/** A rise of less than this part of the price can wait: a claim costs the agent gas, and a voucher costs nothing. */
const WORTH_A_CLAIM = 64n;

/** Until when claims were safe at the last one, and how long that was then. */
interface LastClaim {
  readonly untilSeconds: number;
  readonly leftSeconds: number;
}

const lastClaims = new WeakMap<SaleState, Map<AgreementId, LastClaim>>();

/**
 * Brings the highest voucher to the chain when there is a reason to: a challenge is open, as a breach would pay only what
 * the chain knows, or the end has come, also by quitting. Vouchers that rise by little are claimed at every halving of the
 * time that is left: a consumer could else make the agent pay for thousands of claims.
 * @param nowSeconds by the chain's newest block or this machine, whichever is later
 */
export async function claimVoucher(
  parts: SaleParts,
  { id, state, buyer, due, terms, challenge }: Agreement,
  nowSeconds: number,
  signal: AbortSignal,
): Promise<void> {
  const { voucher } = readProgress(parts.state, id);
  if (buyer === null || voucher === null || voucher.due <= due) return;
  if (state !== 'challenged' && nowSeconds < buyer.endSeconds) return;
  const claims = lastClaims.get(parts.state) ?? new Map<AgreementId, LastClaim>();
  lastClaims.set(parts.state, claims);
  const untilSeconds = challenge?.deadlineSeconds ?? buyer.endSeconds + terms.windowSeconds;
  const leftSeconds = untilSeconds - nowSeconds;
  const last = claims.get(id);
  const waits = last?.untilSeconds === untilSeconds && 2 * leftSeconds > last.leftSeconds;
  if (waits && WORTH_A_CLAIM * (voucher.due - due) < terms.price) return;
  // The step may have claimed it already: what was read of the chain is older than that.
  const { agreement } = await parts.market.readAgreement(id, 'latest', signal);
  if (agreement === null || voucher.due <= agreement.due) return;
  if (agreement.state !== 'active' && agreement.state !== 'challenged') return;
  const { txHash } = await parts.party.claim(id, voucher.due, voucher.signature, signal);
  claims.set(id, { untilSeconds, leftSeconds });
  parts.onEvent({ event: 'claimed', agreement: id, due: String(voucher.due), token: terms.token, txHash });
}

/** Ends an agreement when the time to claim is over: the agent is anyone, and waits until anyone may. */
export async function closeAgreement(parts: SaleParts, { id }: Agreement, signal: AbortSignal): Promise<void> {
  const { agreement } = await parts.market.readAgreement(id, 'latest', signal);
  if (agreement?.state !== 'active') return;
  try {
    const { txHash } = await parts.party.close(id, signal);
    parts.onEvent({ event: 'closed', agreement: id, txHash });
  } catch (cause) {
    // This machine's clock is ahead of the chain's.
    if (!(cause instanceof StateError) || cause.details.reason !== 'OCASC_TooEarly') throw cause;
  }
}
