import type { Environment } from '../environment.ts';

/** The node that every contract is asked through. */
export function chainOf(env: Environment): { readonly rpcUrl: string; readonly chainId: number } {
  return { rpcUrl: env.url('PLUMBLINE_RPC_URL'), chainId: Number(env.whole('PLUMBLINE_CHAIN_ID')) };
}
