import type { SentTransaction, SentTransactions } from '../../core/ports/sent-transactions.ts';

/** For a sender whose process does not end between two transactions, or that has no place of its own. */
export function createMemorySentTransactions(): SentTransactions {
  const kept = new Map<number, SentTransaction>();
  return {
    list: async () => [...kept.values()],
    keep: async (transaction) => void kept.set(transaction.nonce, transaction),
    forget: async (nonce) => void kept.delete(nonce),
    async forgetBelow(nonce) {
      for (const known of kept.keys()) if (known < nonce) kept.delete(known);
    },
  };
}
