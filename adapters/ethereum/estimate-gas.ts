import type { Address } from '../../core/ids.ts';
import type { JsonRpc } from './json-rpc.ts';
import { amount, parseAnswer } from './parse-answers.ts';
import { toQuantity } from './quantity.ts';
import { asUnavailable } from './read-chain-point.ts';
import type { Fees } from './read-fees.ts';
import { RpcRefusedError } from './read-rpc-answer.ts';
import { isRefusedByContract, isRevert } from './refused-by-contract.ts';
import { whyRefused } from './why-refused.ts';

export interface EstimatedCall {
  readonly from: Address;
  readonly to: Address;
  /** 0x-hex. */
  readonly data: string;
  readonly valueWei?: bigint;
  /** Whether it takes the place of one that waits: the block to come may hold that one, and is no measure then. */
  readonly replaces?: boolean;
}

/**
 * The gas that a call takes, asked of the block to come: the newest one may be old, and what its time allows is not what the
 * time now allows. With the fees named, the base fee is seen as it is. A node without a pending block is asked about the
 * newest, and one that takes no fees here is asked without them.
 * @throws RpcRefusedError when the contract refuses, NotRecordedError when the account could not pay, LedgerUnavailableError
 */
export async function estimateGas(
  rpc: JsonRpc,
  call: EstimatedCall,
  fees: Fees,
  signal?: AbortSignal,
): Promise<bigint> {
  const ask = async (request: object, block: string): Promise<bigint | RpcRefusedError> => {
    try {
      return parseAnswer(amount, 'eth_estimateGas', await rpc.call('eth_estimateGas', [request, block], signal));
    } catch (error) {
      if (!(error instanceof RpcRefusedError) || isRevert(error)) throw error;
      return error;
    }
  };
  const among = call.replaces === true ? await askBoth((block) => ask(callRequest(call, fees), block)) : null;
  if (among !== null) return among;
  const pending = await ask(callRequest(call, fees), 'pending');
  if (typeof pending === 'bigint') return pending;
  const latest = await ask(callRequest(call, fees), 'latest');
  if (typeof latest === 'bigint') return latest;

  const { from: account, valueWei = 0n } = call;
  const { maxFeePerGasWei } = fees;
  const refused = (neededWei: bigint) =>
    whyRefused(rpc, { account, nonce: null, neededWei, maxFeePerGasWei }, latest, signal);
  const free = await ask(callRequest(call), 'latest');
  const why = await refused(valueWei + (typeof free === 'bigint' ? free * maxFeePerGasWei : 0n));
  if (why.details.refusal !== 'other') throw why;
  if (typeof free === 'bigint') return free;
  throw (await isRefusedByContract(rpc, account, free, signal)) ? free : asUnavailable(free);
}

/**
 * What stands in the block to come may be the very transaction whose place is taken: it would refuse that something is done
 * twice, or want less gas than is needed without it. The newest block knows nothing of it, but has an older time. So one that
 * lets the call pass is enough, and the gas is what either wants; null where neither names any.
 * @throws RpcRefusedError when the contract refuses in both, as in the newest
 */
async function askBoth(ask: (block: string) => Promise<bigint | RpcRefusedError>): Promise<bigint | null> {
  const [latest, pending] = await Promise.allSettled([ask('latest'), ask('pending')]);
  const gas = [latest, pending].flatMap((one) =>
    one.status === 'fulfilled' && typeof one.value === 'bigint' ? [one.value] : [],
  );
  const [most] = gas.toSorted((a, b) => (a < b ? 1 : -1));
  if (most !== undefined) return most;
  if (latest.status === 'rejected') throw latest.reason;
  return null;
}

/** A call as `eth_call` and `eth_estimateGas` take it. */
export function callRequest({ from, to, data, valueWei = 0n }: EstimatedCall, fees?: Fees): object {
  const call = { from, to, data, value: toQuantity(valueWei) };
  if (fees === undefined) return call;
  if (fees.isLegacy === true) return { ...call, gasPrice: toQuantity(fees.maxFeePerGasWei) };
  const { maxFeePerGasWei, maxPriorityFeePerGasWei } = fees;
  return {
    ...call,
    maxFeePerGas: toQuantity(maxFeePerGasWei),
    maxPriorityFeePerGas: toQuantity(maxPriorityFeePerGasWei),
  };
}
