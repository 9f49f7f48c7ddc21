import type { Address } from '../ids.ts';
import type { SignedTransaction } from './ledger.ts';

/** A transaction that may have been sent, and when. */
export interface SentTransaction extends SignedTransaction {
  /** By the clock of whoever sent it. */
  readonly sentAtMs: number;
}

/**
 * Where the sender of one account on one chain keeps what it has sent and not seen mined, so that whoever sends next knows
 * it, be it another process. One transaction a number: the newest.
 */
export interface SentTransactions {
  list(): Promise<SentTransaction[]>;
  /** Durable once it resolves; called before the transaction is sent. */
  keep(transaction: SentTransaction): Promise<void>;
  /** Forgets all with a number below. */
  forgetBelow(nonce: number): Promise<void>;
  /** Forgets one that was not taken. */
  forget(nonce: number): Promise<void>;
}

/** An earlier transaction of the account holds up the next one: it is waited for, and then its place is taken. */
export type HeldUp = {
  readonly account: Address;
  readonly nonce: number;
  /** Null where only its number is known: another program has sent it, or what was kept of it is lost. */
  readonly stuckHash: string | null;
} & ({ readonly event: 'waiting'; readonly atMostMs: number } | { readonly event: 'replaced'; readonly hash: string });
