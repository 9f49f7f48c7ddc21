import { ArgumentError } from '../../core/errors.ts';
import { type CalledContract, explainRefusal, isRevert } from './explain-refusal.ts';
import { type JsonRpc, RpcRefusedError } from './json-rpc.ts';
import { amount, data, parseAnswer } from './parse-answers.ts';
import { asUnavailable } from './read-chain-point.ts';

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
    if (isRevert(error) && (error.data ?? '0x') !== '0x') throw explainRefusal(contract, error);
    if (!isRevert(error) && !/gas|limit|too large|exceed/i.test(error.said)) throw asUnavailable(error);
    throw new ArgumentError(`The chain does not take ${what} at once: ${error.said}. Send fewer at a time.`, {
      cause: error,
    });
  }
}
