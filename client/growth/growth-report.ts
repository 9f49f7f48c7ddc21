import type { ContradictionFile } from '../../core/evidence/contradiction-file.ts';
import type { Address } from '../../core/ids.ts';

/** What is wrong with how a dataset's log, or its rounds, have grown since they were seen last. */
export interface GrowthFault {
  /**
   * `history`: the round does not say of itself what the chain says of it. `chain went back`: what was final is not there any
   * more. The others as in core/rounds/compare-rounds.ts.
   */
  readonly kind: 'left out' | 'went back' | 'grew too far' | 'contested' | 'history' | 'chain went back';
  /** A sentence for people. */
  readonly reason: string;
  /** Whose proven fault it is; null where that is not proven. */
  readonly fault: { readonly party: 'anchorer' | 'writer'; readonly account: Address } | null;
}

/** What a verifier's memory says of a dataset's newest heads. */
export interface GrowthReport {
  /** The head in a round, or on DISSC, that was seen here last; null: no memory of earlier heads. */
  readonly seen: { readonly size: number; readonly round: number | null; readonly blockNumber: number } | null;
  /** Why there is no memory where there ought to be one. */
  readonly problems: readonly string[];
  readonly faults: readonly GrowthFault[];
  /** Of the contested heads, what proves it to anybody. */
  readonly contradictions: readonly ContradictionFile[];
  /** What could not be compared, and why. */
  readonly unknown: readonly string[];
}

export const NO_GROWTH_REPORT: GrowthReport = {
  seen: null,
  problems: [],
  faults: [],
  contradictions: [],
  unknown: [],
};
