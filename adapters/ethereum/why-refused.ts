import { NotRecordedError } from '../../core/errors.ts';
import type { Address } from '../../core/ids.ts';
import type { JsonRpc } from './json-rpc.ts';
import { amount, parseAnswer, quantity } from './parse-answers.ts';
import { readChainPoint } from './read-chain-point.ts';
import { RpcRefusedError } from './read-rpc-answer.ts';

/** Why a node does not take a transaction. */
export type SendRefusal = 'insufficient-funds' | 'nonce-too-low' | 'underpriced' | 'other';

/** What of a transaction a node may have something against. */
export interface RefusedTransaction {
  readonly account: Address;
  /** Null where none was chosen yet. */
  readonly nonce: number | null;
  /** What the account must have: what the transaction brings, and its gas at the highest price. */
  readonly neededWei: bigint;
  readonly maxFeePerGasWei: bigint;
}

/**
 * Why a node refuses a transaction: found in the state of the chain, which every client answers alike, never in what the
 * node says, which each client says in words of its own.
 */
export async function whyRefused(
  rpc: JsonRpc,
  transaction: RefusedTransaction,
  error: RpcRefusedError,
  signal?: AbortSignal,
): Promise<NotRecordedError> {
  const found = await findReason(rpc, transaction, signal);
  return new NotRecordedError(`The node rejects the transaction: ${error.said}. ${found.remedy}`, {
    cause: error,
    details: { refusal: found.refusal, code: error.code },
  });
}

async function findReason(
  rpc: JsonRpc,
  { account, nonce, neededWei, maxFeePerGasWei }: RefusedTransaction,
  signal?: AbortSignal,
): Promise<{ readonly refusal: SendRefusal; readonly remedy: string }> {
  const read = async (method: string, tag: string): Promise<bigint | null> => {
    try {
      return parseAnswer(amount, method, await rpc.call(method, [account, tag], signal));
    } catch (error) {
      if (error instanceof RpcRefusedError) return null;
      throw error;
    }
  };
  const latest = await read('eth_getTransactionCount', 'latest');
  if (nonce !== null && latest !== null && latest > BigInt(nonce)) {
    const remedy = `Another transaction of ${account} already has number ${nonce}.`;
    return { refusal: 'nonce-too-low', remedy };
  }
  const balances = [await read('eth_getBalance', 'latest'), await read('eth_getBalance', 'pending')];
  // What waits to be mined may have spent it.
  const least = balances.filter((wei) => wei !== null).sort((a, b) => (a < b ? -1 : 1))[0];
  if (least !== undefined && least < neededWei) {
    const remedy = `The account ${account} has only ${least} wei, but the transaction may need ${neededWei}. Send it ether.`;
    return { refusal: 'insufficient-funds', remedy };
  }
  const { baseFeePerGasWei } = await readChainPoint(rpc, 'latest', signal);
  if (baseFeePerGasWei !== null && maxFeePerGasWei < baseFeePerGasWei) {
    const remedy = `It pays at most ${maxFeePerGasWei} wei a gas, but the chain now asks ${baseFeePerGasWei}. Try again.`;
    return { refusal: 'underpriced', remedy };
  }
  if (nonce !== null && ((await read('eth_getTransactionCount', 'pending')) ?? 0n) > BigInt(nonce)) {
    const remedy = `Another transaction of ${account} waits under number ${nonce}, and this one does not pay enough to replace it.`;
    return { refusal: 'underpriced', remedy };
  }
  return { refusal: 'other', remedy: 'Number, fees and funds are correct, so see what the node said.' };
}

/** Next nonces of an account: behind what is mined, and behind what waits, where the node tells. */
export async function readNonces(
  rpc: JsonRpc,
  account: Address,
  signal?: AbortSignal,
): Promise<{ readonly latest: number; readonly pending: number }> {
  const read = async (tag: string): Promise<number> =>
    parseAnswer(quantity, 'eth_getTransactionCount', await rpc.call('eth_getTransactionCount', [account, tag], signal));
  const latest = await read('latest');
  try {
    return { latest, pending: Math.max(latest, await read('pending')) };
  } catch (error) {
    // Not every node has a pending block.
    if (error instanceof RpcRefusedError) return { latest, pending: latest };
    throw error;
  }
}
