import type { Address } from '../ids.ts';

/** What a token is called. It says so itself: two tokens may have one symbol. */
export interface TokenName {
  readonly token: Address;
  /** Null where it names none, or one that cannot be shown. */
  readonly symbol: string | null;
  /** How many of the digits of an amount stand behind the point; null where it does not say. */
  readonly decimals: number | null;
}

/** A token that money of agreements may be in, as far as it can be seen without trusting it. */
export interface TokenFacts extends TokenName {
  /** Whether there is a contract at all. */
  readonly hasCode: boolean;
  /** Whether its code is behind a proxy: somebody can change what it does. */
  readonly isProxy: boolean;
  /** Whether its code has functions by which balances change by themselves, or transfers bring less than was sent. */
  readonly changesAmounts: boolean;
  /** What OCASC owes in it to everybody, and what it has of it. */
  readonly owed: bigint;
  readonly held: bigint;
}

/** Looks at addresses that terms name. @throws LedgerUnavailableError when the chain cannot be read */
export interface Tokens {
  readToken(token: Address, signal?: AbortSignal): Promise<TokenFacts>;
  /** Whether there is a contract that cannot sign as an account does: one that an account has delegated to (EIP-7702) is none. */
  isContract(account: Address, signal?: AbortSignal): Promise<boolean>;
}
