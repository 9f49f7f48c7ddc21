import type { Environment } from '../environment.ts';

/** A function's own time is short: a node that has had too many requests is not waited for longer. */
const PATIENCE_MS = 5_000;

/** The node that every contract is asked through. */
export function chainOf(env: Environment): {
  readonly rpcUrl: string;
  readonly chainId: number;
  readonly finalDepth: number | undefined;
  readonly patienceMs: number;
} {
  const finalDepth = env.optional('PLUMBLINE_FINAL_DEPTH', env.whole);
  return {
    rpcUrl: env.url('PLUMBLINE_RPC_URL'),
    chainId: Number(env.whole('PLUMBLINE_CHAIN_ID')),
    finalDepth: finalDepth === null ? undefined : Number(finalDepth),
    patienceMs: PATIENCE_MS,
  };
}
