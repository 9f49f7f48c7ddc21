import type { Head } from '../../core/log/head.ts';
import type { FinalityReader } from '../../core/ports/finality.ts';
import type { Ledger } from '../../core/ports/ledger.ts';
import type { RoundReader } from '../../core/ports/rounds.ts';
import { decodeHeads, decodeRound } from './decode-state.ts';
import { disscInterface } from './dissc-interface.ts';
import type { DisscLedgerOptions } from './dissc-ledger.ts';
import { decode } from './find-logs.ts';
import { createJsonRpc } from './json-rpc.ts';
import { data, parseAnswer } from './parse-answers.ts';
import { RpcRefusedError } from './read-rpc-answer.ts';

/**
 * DISSC at the final block, read with one `eth_call` that names the block by its tag. A node that has no such block, one that must
 * be counted down to, or one without the contract there yet is asked in the longer way, which knows what that means.
 */
export function createDisscFinality(
  options: DisscLedgerOptions,
  { ledger, rounds }: { readonly ledger: Pick<Ledger, 'readHeads'>; readonly rounds: Pick<RoundReader, 'readRound'> },
): FinalityReader {
  const rpc = createJsonRpc(options);
  const view = { rpc, name: 'DISSC', at: options.dissc };
  /** Null where the node does not answer it so. */
  const callFinal = async (input: string, signal?: AbortSignal): Promise<string | null> => {
    if (rpc.finalDepth !== null) return null;
    try {
      const answered = await rpc.call('eth_call', [{ to: options.dissc, data: input }, 'finalized'], signal);
      const result = parseAnswer(data, 'eth_call', answered);
      return result === '0x' ? null : result;
    } catch (error) {
      if (error instanceof RpcRefusedError) return null;
      throw error;
    }
  };
  return {
    async readFinalHead(dataset, signal) {
      const result = await callFinal(disscInterface.encodeFunctionData('heads', [[dataset]]), signal);
      const heads =
        result === null
          ? (await ledger.readHeads([dataset], 'final', signal)).heads
          : decode(view, () => decodeHeads([dataset], result));
      return heads[0] as Head;
    },
    async readFinalRound(anchorer, signal) {
      const result = await callFinal(disscInterface.encodeFunctionData('round', [anchorer]), signal);
      return result === null
        ? (await rounds.readRound(anchorer, 'final', signal)).round
        : decode(view, () => decodeRound(result));
    },
  };
}
