import { join } from 'node:path';
import { createSentTransactionFiles } from '../adapters/ethereum/sent-transaction-files.ts';
import type { Address } from '../core/ids.ts';
import type { HeldUp, SentTransactions } from '../core/ports/sent-transactions.ts';
import type { CommandContext } from './run-command.ts';

/** What a command's account has sent is kept in the home folder, and what holds it up is said. */
export function senderParts(
  { home, output }: Pick<CommandContext, 'home' | 'output'>,
  chainId: number,
  account: Address,
): { readonly sent: SentTransactions; readonly onHeldUp: (heldUp: HeldUp) => void } {
  return {
    sent: createSentTransactionFiles(join(home, 'sent'), chainId, account),
    onHeldUp: (heldUp) => output.notice(heldUpText(heldUp)),
  };
}

/** For people. */
export function heldUpText(heldUp: HeldUp): string {
  const { account, nonce, stuckHash } = heldUp;
  const earlier =
    stuckHash === null ? `An earlier transaction of ${account}` : `The earlier transaction ${stuckHash} of ${account}`;
  return heldUp.event === 'waiting'
    ? `${earlier} (number ${nonce}) is not mined yet. Waiting for it, at most ${Math.ceil(heldUp.atMostMs / 1000)} s; then this one takes its place.`
    : `${earlier} (number ${nonce}) was stuck and is not done: ${heldUp.hash} takes its place, with higher fees. Run the earlier command again if you still want it.`;
}
