import type { Address } from './ids.ts';
import type { Anchor, ChainPoint } from './ports/ledger.ts';

/** What a check of one block found (specification#verdicts). Never a boolean. */
export type VerdictKind = 'intact' | 'corrupted' | 'unavailable' | 'refused' | 'unrecorded' | 'misrecorded';

/** How it was checked, and so what it proves. */
export type Evidence = 'attested' | 'possession' | 'retrieved';

export interface Verdict {
  readonly index: number;
  readonly verdict: VerdictKind;
  readonly evidence: Evidence;
  /** Why it is not intact; null when it is. */
  readonly reason: string | null;
  /** Whose fault it is, only where that is proven: a record that contradicts itself is the writer's, a wrong key the owner's. */
  readonly blame: 'writer' | 'owner' | null;
  /** The device account whose signature the record was accepted under; null when unrecorded or not read. */
  readonly signer: Address | null;
}

/** The one chain state that all verdicts of an audit are measured against. */
export interface VerdictAnchor {
  readonly anchor: Anchor;
  readonly point: ChainPoint;
  /** Blocks of the log. */
  readonly size: number;
  /** 0x-hex of the log's root. */
  readonly root: string;
}

/** What each kind of evidence proves, in words. */
export const EVIDENCE_PROVES: Readonly<Record<Evidence, string>> = {
  attested: 'the storage named the recorded hash; it may have kept only hashes',
  possession: 'the storage could produce a randomly chosen chunk within the time it took',
  retrieved: 'these are the recorded bytes; every one of them was hashed here',
};
