import { join } from 'node:path';
import { createSentTransactionFiles } from '../adapters/ethereum/sent-transaction-files.ts';
import type { Address } from '../core/ids.ts';
import type { HeldUp, SentTransactions } from '../core/ports/sent-transactions.ts';

/** Where an account keeps what it has sent, and who hears of what holds a transaction up. */
export interface SenderHome {
  readonly home: string;
  readonly onHeldUp: (heldUp: HeldUp) => void;
}

/** What an account has sent is kept in the home folder, and what holds it up is said. */
export function senderParts(
  { home, onHeldUp }: SenderHome,
  chainId: number,
  account: Address,
): { readonly sent: SentTransactions; readonly onHeldUp: (heldUp: HeldUp) => void } {
  return { sent: createSentTransactionFiles(join(home, 'sent'), chainId, account), onHeldUp };
}
