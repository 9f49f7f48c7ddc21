import { createTokenReader } from '../adapters/ethereum/read-token.ts';
import { type Address, NATIVE_COIN } from '../core/ids.ts';
import type { TokenName } from '../core/ports/tokens.ts';
import { type Connection, chainOf } from '../library/connection.ts';
import { requireOcasc } from '../library/require-contract.ts';

/** Names of so many tokens are read at most: who makes offers in many does not hold up a list. */
const MAX_TOKENS = 16;

/** What tokens call themselves, for `showAmount`; those beyond a bound are shown by their addresses alone. */
export async function readTokenNames(
  connection: Connection,
  tokens: readonly Address[],
  signal: AbortSignal,
): Promise<(token: Address) => Address | TokenName> {
  const asked = [...new Set(tokens)].filter((token) => token !== NATIVE_COIN).slice(0, MAX_TOKENS);
  const reader = createTokenReader({ ...chainOf(connection), ocasc: requireOcasc(connection) });
  const names = await Promise.all(asked.map((token) => reader.readToken(token, signal)));
  const byAddress = new Map<Address, TokenName>(names.map((name) => [name.token, name]));
  return (token) => byAddress.get(token) ?? token;
}
