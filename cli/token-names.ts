import { createTokenReader } from '../adapters/ethereum/read-token.ts';
import { eachInParallel } from '../core/each-in-parallel.ts';
import { PlumblineError } from '../core/errors.ts';
import { type Address, NATIVE_COIN } from '../core/ids.ts';
import type { TokenName } from '../core/ports/tokens.ts';
import { type Connection, chainOf } from '../library/connection.ts';
import { requireOcasc } from '../library/require-contract.ts';

/** Names of so many tokens are read at most: who makes offers in many does not hold up a list. */
const MAX_TOKENS = 16;
const TOKENS_AT_ONCE = 4;

/** What tokens call themselves, for `showAmount`; those beyond a bound are shown by their addresses alone. */
export async function readTokenNames(
  connection: Connection,
  tokens: readonly Address[],
  signal: AbortSignal,
): Promise<(token: Address) => Address | TokenName> {
  const asked = [...new Set(tokens)].filter((token) => token !== NATIVE_COIN).slice(0, MAX_TOKENS);
  const reader = createTokenReader({ ...chainOf(connection), ocasc: requireOcasc(connection) });
  const byAddress = new Map<Address, TokenName>();
  await eachInParallel(asked, TOKENS_AT_ONCE, async (token) => {
    try {
      byAddress.set(token, await reader.readToken(token, signal));
    } catch (error) {
      // Anybody offers in a token of their own: one that keeps the node from answering does not keep all offers from being seen.
      signal.throwIfAborted();
      if (!(error instanceof PlumblineError)) throw error;
    }
  });
  return (token) => byAddress.get(token) ?? token;
}
