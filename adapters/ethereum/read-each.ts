import type { Interface, Result } from 'ethers';
import type { Anchor, ChainPoint } from '../../core/ports/ledger.ts';
import { type ContractView, callAt } from './call-at.ts';
import { decode } from './find-logs.ts';

/**
 * What one view function answers to each of some arguments, all at one block; null where the contract did not exist yet.
 * @param parse makes something of the function's first result, for the arguments at a place
 * @throws LedgerUnavailableError when the chain cannot be read, or the contract is another one
 */
export async function readEach<T>(
  view: ContractView,
  { of, name }: { readonly of: Interface; readonly name: string },
  given: readonly (readonly unknown[])[],
  anchor: Anchor,
  signal: AbortSignal | undefined,
  parse: (value: Result[number], place: number) => T,
): Promise<{ point: ChainPoint; values: (T | null)[] }> {
  const calls = given.map((values) => of.encodeFunctionData(name, values));
  const { point, results } = await callAt(view, calls, anchor, signal);
  const values = results.map((result, place) =>
    result === null ? null : decode(view, () => parse(of.decodeFunctionResult(name, result)[0], place)),
  );
  return { point, values };
}
