import type { Address, DatasetId, LogRoot, RoundRoot } from '../ids.ts';
import type { SignedHead } from '../log/head.ts';
import type { LastRound } from '../rounds/history.ts';
import type { ServiceRound } from './service.ts';

/** A head in a final round that this verifier has accepted, with all that leads from it to the chain. */
export interface SeenRound {
  readonly anchorer: Address;
  readonly root: RoundRoot;
  readonly shown: ServiceRound & { readonly head: SignedHead };
  /** Of the log of its head. */
  readonly peaks: readonly Uint8Array[];
  readonly signer: Address;
  readonly blockNumber: number;
}

/** A head that DISSC had at a final block. */
export interface SeenRecord {
  readonly size: number;
  readonly root: LogRoot;
  readonly blockNumber: number;
}

/** What a verifier has last accepted of a dataset. */
export interface SeenHeads {
  readonly round: SeenRound | null;
  readonly recorded: SeenRecord | null;
}

/** The newest round of an anchorer that a verifier has followed the chain's events to. */
export interface SeenAnchorer extends LastRound {
  readonly blockNumber: number;
}

/**
 * What a verifier remembers from one run to the next: without it, only what DISSC holds cannot disappear
 * (specification#what-a-round-proves). Nothing in it is secret; what is damaged is as if it had never been seen.
 */
export interface HeadMemory {
  /** Why heads that were seen earlier are not known, or cannot be kept now, in sentences. */
  readonly problems: readonly string[];
  readHeads(dataset: DatasetId): SeenHeads | null;
  /** Keeps all of them, durably, unless another run has seen later ones meanwhile. */
  keepHeads(entries: readonly (readonly [DatasetId, SeenHeads])[]): void;
  readAnchorer(anchorer: Address): SeenAnchorer | null;
  keepAnchorer(anchorer: Address, seen: SeenAnchorer): void;
  /** Forgets what was seen of a dataset, and of the anchorer of its round. */
  forget(dataset: DatasetId): void;
}
