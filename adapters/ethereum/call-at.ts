import { LedgerUnavailableError } from '../../core/errors.ts';
import type { Address } from '../../core/ids.ts';
import type { Anchor, ChainPoint } from '../../core/ports/ledger.ts';
import type { JsonRpc } from './json-rpc.ts';
import { data, parseAnswer } from './parse-answers.ts';
import { toQuantity } from './quantity.ts';
import { asUnavailable, readBlock, readChainPoint } from './read-chain-point.ts';

/** One of our contracts as a node sees it. */
export interface ContractView {
  readonly rpc: JsonRpc;
  /** For errors. */
  readonly name: string;
  readonly at: Address;
  /** How long a range of events is asked for again that the node does not answer; two minutes when not given. */
  readonly patienceMs?: number | undefined;
  /** Code that the node is to take for the contract's, where there is none. */
  readonly code?: string;
}

const ATTEMPTS = 4;

/** The block asked about is another one meanwhile. */
class ChainMovedError extends LedgerUnavailableError {}

/** Results of view calls, all at one block; null for each where the contract did not exist yet. */
export async function callAt(
  { rpc, name, at, code }: ContractView,
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
    // Not every node takes a block by its hash (EIP-1898): by number, what stands there is compared afterwards.
    const byNumber = toQuantity(blockNumber);
    const block = attempt === 1 ? { blockHash } : byNumber;
    try {
      const answers = await rpc.callMany(
        calls.map((input) => ({
          method: 'eth_call',
          params: [{ to: at, data: input }, block, ...(code === undefined ? [] : [{ [at]: { code } }])],
        })),
        signal,
      );
      if (block === byNumber && (await readBlock(rpc, byNumber, signal))?.blockHash !== blockHash) {
        throw new ChainMovedError(`Block ${blockNumber} was reorganised away while it was asked. Try again.`);
      }
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
      const mayPass = error instanceof ChainMovedError || !(error instanceof LedgerUnavailableError);
      if (attempt >= ATTEMPTS || !mayPass) throw asUnavailable(error);
      signal?.throwIfAborted();
    }
  }
}
