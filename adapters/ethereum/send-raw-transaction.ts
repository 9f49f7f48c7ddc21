import { NotRecordedError } from '../../core/errors.ts';
import { type JsonRpc, RpcRefusedError } from './json-rpc.ts';

/** Why a node does not take a transaction. */
export type SendRefusal = 'insufficient-funds' | 'nonce-too-low' | 'underpriced' | 'other';

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
    if (/already known|already imported|known transaction/i.test(error.said)) return;
    if (await isKnown(rpc, transaction.hash, signal)) return;
    throw refusedTransaction(error);
  }
}

/** False also where the node cannot say: geth refuses while it still indexes transactions. */
async function isKnown(rpc: JsonRpc, hash: string, signal?: AbortSignal): Promise<boolean> {
  try {
    return (await rpc.call('eth_getTransactionByHash', [hash], signal)) !== null;
  } catch (error) {
    if (error instanceof RpcRefusedError) return false;
    throw error;
  }
}

/** What a node's refusal to take or to estimate a transaction means. */
export function refusedTransaction(error: RpcRefusedError): NotRecordedError {
  const refusal = classify(error.said);
  const remedy = {
    'insufficient-funds': 'The paying account has too little ether. Send it some.',
    'nonce-too-low': 'Another transaction of the paying account took its place.',
    underpriced: 'Its fees are too low, or too little above those of the one it replaces.',
    other: 'See what the node said.',
  }[refusal];
  return new NotRecordedError(`The node does not take the transaction: ${error.said}. ${remedy}`, {
    cause: error,
    details: { refusal, code: error.code },
  });
}

function classify(said: string): SendRefusal {
  // geth's estimate says the second of an account that cannot pay for the gas.
  if (/insufficient funds|gas required exceeds allowance/i.test(said)) return 'insufficient-funds';
  if (/nonce too low|nonce is too low/i.test(said)) return 'nonce-too-low';
  if (/underpriced|less than block base fee|max fee per gas/i.test(said)) return 'underpriced';
  return 'other';
}
