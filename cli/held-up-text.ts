import type { HeldUp } from '../core/ports/sent-transactions.ts';

/** What holds a transaction up, for people. */
export function heldUpText(heldUp: HeldUp): string {
  const { account, nonce, stuckHash } = heldUp;
  const earlier =
    stuckHash === null ? `An earlier transaction of ${account}` : `The earlier transaction ${stuckHash} of ${account}`;
  return heldUp.event === 'waiting'
    ? `${earlier} (number ${nonce}) is not mined yet. Waiting for it, at most ${Math.ceil(heldUp.atMostMs / 1000)} s; then this one takes its place.`
    : `${earlier} (number ${nonce}) was stuck and is not done: ${heldUp.hash} takes its place, with higher fees. Run the earlier command again if you still want it.`;
}
