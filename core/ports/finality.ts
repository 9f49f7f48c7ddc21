import type { Address, DatasetId, RoundRoot } from '../ids.ts';
import type { Head } from '../log/head.ts';

/**
 * What is final, without the block that says so: one request of the node where the others take two. For whoever asks often, and
 * was told by somebody else what to ask for. Throws LedgerUnavailableError like Ledger.
 */
export interface FinalityReader {
  /** DISSC's head of a dataset at the final block. */
  readFinalHead(dataset: DatasetId, signal?: AbortSignal): Promise<Head>;
  /** The newest round of an anchorer at the final block; null before the first. */
  readFinalRound(anchorer: Address, signal?: AbortSignal): Promise<RoundRoot | null>;
}
