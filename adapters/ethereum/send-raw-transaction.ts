import { Transaction } from 'ethers';
import { address } from '../../core/ids.ts';
import type { JsonRpc } from './json-rpc.ts';
import { RpcRefusedError } from './read-rpc-answer.ts';
import { type RefusedTransaction, whyRefused } from './why-refused.ts';

/**
 * Sends a signed transaction; one that the node already has, pending or mined, is no error.
 * @throws NotRecordedError with `details.refusal` when the node does not take it, LedgerUnavailableError
 */
export async function sendRawTransaction(
  rpc: JsonRpc,
  transaction: { readonly hash: string; readonly raw: string },
  signal?: AbortSignal,
): Promise<void> {
  try {
    await rpc.call('eth_sendRawTransaction', [transaction.raw], signal);
  } catch (error) {
    if (!(error instanceof RpcRefusedError)) throw error;
    if (await isKnown(rpc, transaction.hash, signal)) return;
    throw await whyRefused(rpc, contentOf(transaction.raw), error, signal);
  }
}

/** By transaction or by receipt; false also where the node can say neither, as geth while it indexes transactions. */
async function isKnown(rpc: JsonRpc, hash: string, signal?: AbortSignal): Promise<boolean> {
  for (const method of ['eth_getTransactionByHash', 'eth_getTransactionReceipt']) {
    try {
      const found = await rpc.call(method, [hash], signal);
      if (found !== null) return true;
    } catch (error) {
      if (!(error instanceof RpcRefusedError)) throw error;
    }
  }
  return false;
}

function contentOf(raw: string): RefusedTransaction {
  const { from, nonce, gasLimit, value, gasPrice, maxFeePerGas } = Transaction.from(raw);
  const maxFeePerGasWei = maxFeePerGas ?? gasPrice ?? 0n;
  return { account: address(from as string), nonce, neededWei: value + gasLimit * maxFeePerGasWei, maxFeePerGasWei };
}
