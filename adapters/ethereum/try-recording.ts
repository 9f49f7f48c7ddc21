import { ArgumentError } from '../../core/errors.ts';
import { type CalledContract, explainRefusal } from './explain-refusal.ts';
import type { JsonRpc } from './json-rpc.ts';
import { amount, data, parseAnswer } from './parse-answers.ts';
import { asUnavailable } from './read-chain-point.ts';
import { RpcRefusedError } from './read-rpc-answer.ts';
import { isRefusedByContract, isRevert } from './refused-by-contract.ts';

/** What a call that records would answer now, and the gas it takes: as the node has it, so no limit of gas stands here. */
export interface TriedRecording {
  /** 0x-hex. */
  readonly returned: string;
  readonly gas: bigint;
}

/**
 * Tries a call that takes many updates without sending it.
 * @throws ArgumentError when the chain does not take as much at once: then fewer may do; with the error's name as
 * `details.reason` when it is the contract that refuses, as it does a charter that is not right
 * @throws LedgerUnavailableError
 */
export async function tryRecording(
  rpc: JsonRpc,
  contract: CalledContract,
  request: { readonly from: string; readonly to: string; readonly data: string },
  what: string,
  signal?: AbortSignal,
): Promise<TriedRecording> {
  try {
    const [returned, estimated] = await rpc.callMany(
      [
        { method: 'eth_call', params: [request, 'latest'] },
        { method: 'eth_estimateGas', params: [request, 'latest'] },
      ],
      signal,
    );
    return {
      returned: parseAnswer(data, 'eth_call', returned),
      gas: parseAnswer(amount, 'eth_estimateGas', estimated),
    };
  } catch (error) {
    if (!(error instanceof RpcRefusedError)) throw asUnavailable(error);
    // A contract that runs out of gas names no error.
    if (isRevert(error)) throw explainRefusal(contract, error);
    if (!(await isRefusedByContract(rpc, request.from, error, signal))) throw asUnavailable(error);
    throw new ArgumentError(`The chain rejects ${what} at once: ${error.said}. Send fewer at a time.`, {
      cause: error,
    });
  }
}
