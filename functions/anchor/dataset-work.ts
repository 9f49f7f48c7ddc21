import type { DatasetId } from '../../core/ids.ts';
import type { Head } from '../../core/log/head.ts';
import type { ChainPoint } from '../../core/ports/ledger.ts';
import type { CharteredParties } from '../rights/read-parties.ts';

/** A dataset whose log may be ahead of the chain, with what the chain says of it. */
export interface Work {
  readonly dataset: DatasetId;
  readonly version: number;
  readonly parties: CharteredParties;
  readonly latest: Head;
  /** Number of the block of `latest`. */
  readonly latestBlock: number;
  readonly final: { readonly head: Head; readonly point: ChainPoint };
  readonly onlyPaid: boolean;
}
