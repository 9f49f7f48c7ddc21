import type { JsonRpc } from './json-rpc.ts';
import { RpcRefusedError } from './read-rpc-answer.ts';

/**
 * Whether a contract says itself that it refuses: what it reverted with is there. An empty revert looks like other refusals:
 * some nodes (zkSync) give code and data of a revert to whatever they have against a transaction.
 */
export function isRevert({ data }: RpcRefusedError): boolean {
  return data !== null && data !== '0x';
}

/**
 * Whether a contract refuses a call, rather than the node. One that gives no reason is told from a node in trouble by asking
 * the same thing of a call that nothing can refuse: of the account to itself, with nothing.
 */
export async function isRefusedByContract(
  rpc: JsonRpc,
  account: string,
  error: RpcRefusedError,
  signal?: AbortSignal,
): Promise<boolean> {
  if (isRevert(error)) return true;
  try {
    await rpc.call(String(error.details.method), [{ from: account, to: account }, 'latest'], signal);
    return true;
  } catch (cause) {
    if (cause instanceof RpcRefusedError) return false;
    throw cause;
  }
}
