import type { DatasetId, MapRoot } from '../../core/ids.ts';
import type { Head } from '../../core/log/head.ts';
import type { ChainPoint } from '../../core/ports/ledger.ts';
import type { CharteredParties } from '../rights/read-parties.ts';
import type { MovedHead } from '../rounds/take-in-heads.ts';
import type { Mark } from '../state/work-marks.ts';
import type { Pending } from './pending.ts';

/** A dataset whose log may be ahead of the chain, with what the chain says of it. */
export interface Work {
  readonly dataset: DatasetId;
  readonly mark: Mark;
  readonly parties: CharteredParties;
  readonly latest: Head;
  /** Number of the block of `latest`. */
  readonly latestBlock: number;
  readonly final: { readonly head: Head; readonly point: ChainPoint };
  readonly onlyPaid: boolean;
  /** The map of this service's newest final round; null before there is one. */
  readonly finalMap: MapRoot | null;
}

/** What a look at a dataset has found: an update for DISSC, or a head for the next round. */
export type Found =
  | { readonly kind: 'record'; readonly pending: Pending }
  | { readonly kind: 'round'; readonly moved: MovedHead };
