import type { ChainPoint } from './ledger.ts';

/** Blocks of the chain by name. Throws LedgerUnavailableError when the chain cannot be read within its time. */
export interface ChainBlocks {
  /** In the order asked for; null where the node knows no such block. By hash also ones that were reorganised away. */
  readBlocks(names: readonly (number | Uint8Array)[], signal?: AbortSignal): Promise<(ChainPoint | null)[]>;
}
