import { LedgerUnavailableError } from '../../core/errors.ts';
import type { Address } from '../../core/ids.ts';
import type { Anchor, ChainPoint } from '../../core/ports/ledger.ts';
import type { JsonRpc } from './json-rpc.ts';
import { data, parseAnswer } from './parse-answers.ts';
import { asUnavailable, readChainPoint } from './read-chain-point.ts';

/** One of our contracts as a node sees it. */
export interface ContractView {
  readonly rpc: JsonRpc;
  /** For errors. */
  readonly name: string;
  readonly at: Address;
}

const ATTEMPTS = 3;

/** Results of view calls, all at one block; null for each where the contract did not exist yet. */
export async function callAt(
  { rpc, name, at }: ContractView,
  calls: readonly string[],
  anchor: Anchor,
  signal?: AbortSignal,
): Promise<{ point: ChainPoint; results: (string | null)[] }> {
  // The block may be reorganised away between the two requests; then the newer one is asked.
  for (let attempt = 1; ; attempt++) {
    const { blockNumber, blockHash, timestampMs } = await readChainPoint(rpc, anchor, signal);
    const point = { blockNumber, blockHash, timestampMs };
    // Nodes need not keep the state of the genesis block, and contracts come later.
    if (blockNumber === 0) return { point, results: calls.map(() => null) };
    try {
      const answers = await rpc.callMany(
        calls.map((input) => ({ method: 'eth_call', params: [{ to: at, data: input }, { blockHash }] })),
        signal,
      );
      const results = answers.map((answered) => {
        const result = parseAnswer(data, 'eth_call', answered);
        return result === '0x' ? null : result;
      });
      if (anchor === 'latest' && results.includes(null)) {
        throw new LedgerUnavailableError(
          `There is no contract at ${at} in block ${blockNumber}. Deploy ${name}, or correct its address.`,
          { details: { [name.toLowerCase()]: at, blockNumber } },
        );
      }
      return { point, results };
    } catch (error) {
      if (attempt >= ATTEMPTS || error instanceof LedgerUnavailableError) throw asUnavailable(error);
      signal?.throwIfAborted();
    }
  }
}
