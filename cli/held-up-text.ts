import type { HeldUp } from '../core/ports/sent-transactions.ts';

/** What holds a transaction up, for people. */
export function heldUpText(heldUp: HeldUp): string {
  const { account, nonce, stuckHash } = heldUp;
  const earlier =
    stuckHash === null ? `An earlier transaction of ${account}` : `The earlier transaction ${stuckHash} of ${account}`;
  return heldUp.event === 'waiting'
    ? `${earlier} (number ${nonce}) is not mined yet. Waiting for it for at most ${Math.ceil(heldUp.atMostMs / 1000)} s; then this one replaces it.`
    : `${earlier} (number ${nonce}) was stuck and will not happen. Transaction ${heldUp.hash} replaces it, with higher fees. Run the earlier command again if you still want it.`;
}
