import type { JsonRpc } from '../../adapters/ethereum/json-rpc.ts';
import type { Address } from '../../core/ids.ts';

/** Sets an account's balance on a local chain, out of nothing. */
export async function fund(rpc: JsonRpc, account: Address, balanceWei: bigint): Promise<void> {
  await rpc.call('anvil_setBalance', [account, `0x${balanceWei.toString(16)}`]);
}
