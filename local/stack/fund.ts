import type { JsonRpc } from '../../adapters/ethereum/json-rpc.ts';
import type { Address } from '../../core/ids.ts';
import type { StackFile } from '../../core/wire/stack-file.ts';

/** Sets an account's balance on a local chain, out of nothing. */
export async function fund(rpc: JsonRpc, account: Address, balanceWei: bigint): Promise<void> {
  await rpc.call('anvil_setBalance', [account, `0x${balanceWei.toString(16)}`]);
}

/** A stack's chain as its keeper reaches it, who may change it out of nothing. */
export function keeperOf({ rpcUrl, chainKeeperRpcUrl, chainId }: KeptChain): { rpcUrl: string; chainId: number } {
  return { rpcUrl: chainKeeperRpcUrl ?? rpcUrl, chainId };
}

type KeptChain = Pick<StackFile, 'rpcUrl' | 'chainKeeperRpcUrl' | 'chainId'>;
