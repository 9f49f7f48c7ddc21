import { LedgerUnavailableError, NotRecordedError } from '../../core/errors.ts';
import type { SignedTransaction } from '../../core/ports/ledger.ts';
import type { AccountSender } from './account-sender.ts';
import type { NextNonce } from './next-nonce.ts';
import type { Fees } from './read-fees.ts';
import { sendRawTransaction } from './send-raw-transaction.ts';
import { signTransaction, type UnsignedCall } from './sign-transaction.ts';

/** What is to be sent: its number, and fees that would do, are given apart. */
export type NoncelessCall = Omit<UnsignedCall, 'chainId' | 'nonce' | 'fees'>;

/** Fees are doubled this often at most: a thousandfold. */
const MAX_RAISES = 10;

/**
 * Signs, keeps and sends, in this order: whatever was sent is known to the next process. In the place of another transaction
 * fees are raised until the node takes it: what the other pays is not always known.
 * @throws NotRecordedError with `details.refusal` when the node does not take it, LedgerUnavailableError when it is not
 * known whether it did: then it is kept
 */
export async function sendAtNonce(
  sender: AccountSender,
  call: NoncelessCall,
  { nonce, replaces }: Pick<NextNonce, 'nonce' | 'replaces'>,
  fees: Fees,
  signal?: AbortSignal,
): Promise<SignedTransaction> {
  const { rpc, chainId, signer, sent, onHeldUp, runtime } = sender;
  let asked = fees;
  for (let raises = 0; ; raises++) {
    const transaction = await signTransaction(signer, { chainId, ...call, nonce, fees: asked }, signal);
    await sent.keep({ ...transaction, sentAtMs: runtime.nowMs() });
    try {
      await sendRawTransaction(rpc, transaction, signal);
    } catch (error) {
      // Without an answer it may have arrived all the same: its receipt tells.
      if (error instanceof LedgerUnavailableError) return transaction;
      if (!(error instanceof NotRecordedError)) throw error;
      if (replaces !== null && raises < MAX_RAISES && mayPayTooLittle(error)) {
        asked = doubled(asked);
        continue;
      }
      if (replaces === null || replaces === 'unknown') await sent.forget(nonce);
      else await sent.keep(replaces);
      throw error;
    }
    if (replaces !== null) {
      const stuckHash = replaces === 'unknown' ? null : replaces.hash;
      onHeldUp({ event: 'replaced', account: signer.account, nonce, stuckHash, hash: transaction.hash });
    }
    return transaction;
  }
}

/** Whether the node has nothing against it but, perhaps, that it pays too little more than the one in its place. */
function mayPayTooLittle({ details: { refusal } }: NotRecordedError): boolean {
  return refusal === 'underpriced' || refusal === 'other';
}

function doubled({ maxFeePerGasWei, maxPriorityFeePerGasWei, ...kind }: Fees): Fees {
  return { ...kind, maxFeePerGasWei: 2n * maxFeePerGasWei, maxPriorityFeePerGasWei: 2n * maxPriorityFeePerGasWei };
}
