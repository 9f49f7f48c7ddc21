import { StateError } from '../../core/errors.ts';
import type { Agreement, AgreementState } from '../../core/ports/agreements.ts';
import type { SaleParts } from './sale-parts.ts';
import { readProgress } from './sale-rows.ts';

/** A rise of less than this part of the price can wait: a claim costs the agent gas, and a voucher costs nothing. */
const WORTH_A_CLAIM = 64n;
const CLAIMABLE: ReadonlySet<AgreementState> = new Set(['active', 'challenged', 'lapsed']);

/**
 * Brings the highest voucher to the chain when there is a reason to: a question is open, as a breach would pay only what
 * the chain knows, or the end has come, also by quitting. Vouchers that rise by little wait for their turn (`ClaimPace`).
 * @param nowSeconds by the chain's newest block or this machine, whichever is later
 * @throws StateError when OCASC refuses; NotRecordedError when the claim is not mined in time; Error as `readProgress`
 */
export async function claimVoucher(
  parts: SaleParts,
  { id, buyer, due, terms, question }: Agreement,
  nowSeconds: number,
  signal: AbortSignal,
): Promise<void> {
  const { voucher } = readProgress(parts.state, id);
  if (buyer === null || voucher === null || voucher.due <= due) return;
  if (question === null && nowSeconds < buyer.endSeconds) return;
  const untilSeconds =
    question === null ? buyer.endSeconds + terms.windowSeconds : (question.graceEndSeconds ?? question.deadlineSeconds);
  const time = { untilSeconds, leftSeconds: untilSeconds - nowSeconds };
  if (parts.claimPace.waits(id, time) && WORTH_A_CLAIM * (voucher.due - due) < terms.price) return;
  // The step may have claimed it already: what was read of the chain is older than that.
  const { agreement } = await parts.market.readAgreement(id, 'latest', signal);
  if (agreement === null || voucher.due <= agreement.due) return;
  if (!CLAIMABLE.has(agreement.state)) return;
  const { txHash } = await parts.party.claim(id, voucher.due, voucher.signature, signal);
  parts.claimPace.claimed(id, time);
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
