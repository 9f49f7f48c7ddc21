import type { SignedCharter } from '../../core/charter/charter.ts';
import type { CharterHistory } from '../../core/charter/charters-in-force.ts';
import type { Address, DatasetId } from '../../core/ids.ts';
import type { Head } from '../../core/log/head.ts';
import type { HeadMemory, SeenHeads } from '../../core/ports/head-memory.ts';
import type { Anchor, ChainPoint, RecordedEvent } from '../../core/ports/ledger.ts';
import type { Primitives } from '../../core/ports/primitives.ts';
import type { RoundReader } from '../../core/ports/rounds.ts';
import type { StorageService } from '../../core/ports/service.ts';
import type { GrowthReport } from './growth-report.ts';
import type { FindSignature } from './prove-contradiction.ts';
import type { RoundView } from './round-view.ts';

/** Where rounds are read: on the chain, what leads to them from the service that keeps them, and what was seen earlier. */
export interface RoundSources {
  readonly hasher: Pick<Primitives, 'sha256'>;
  readonly reader: RoundReader;
  /** The same, each question asked once. */
  readonly view: RoundView;
  /** Null: no service is asked, and a round counts that was seen earlier. */
  readonly service: Pick<StorageService, 'getAnchor'> | null;
  /** What this verifier has seen; null: it remembers nothing. */
  readonly memory: HeadMemory | null;
  /** Charters that this verifier keeps itself. */
  readonly chartersOf: (dataset: DatasetId) => readonly SignedCharter[];
  readonly findSignature: FindSignature;
  /** Whether anchorer, storage and devices belong to one operator, as far as the verifier was told. */
  readonly isOneOperator: boolean;
  /** From which age on the newest round is called late. */
  readonly roundLimitMs: number;
  /** Only what DISSC holds counts, whatever rounds hold. */
  readonly recordedOnly?: boolean;
}

/** What a round of a dataset's anchorer says of it. */
export interface RoundStanding {
  readonly anchorer: Address;
  readonly round: { readonly number: number; readonly timeSeconds: number; readonly blockNumber: number };
  /** Blocks of its head there. */
  readonly size: number;
  /** True where the newest round does not say it, and an earlier one counts that was seen here. */
  readonly isEarlier: boolean;
  /** True where anchorer, storage and device belong to one operator: then a round is that one's own word. */
  readonly isOwnWord: boolean;
  /** Where the newest round is older than the limit; blocks of the dataset that wait for the next, by the service's word. */
  readonly late: { readonly ageMs: number; readonly limitMs: number; readonly waitingBlocks: number } | null;
}

export interface ReadRound {
  readonly charters: CharterHistory;
  /** Null where no round counts for the dataset; `said` is why, where one ought to. */
  readonly standing: RoundStanding | null;
  readonly said: string | null;
  /** The head there where it goes further than what is recorded, as if DISSC had logged it: it grows from the recorded one. */
  readonly event: RecordedEvent | null;
  readonly growth: GrowthReport;
  /** What is to be kept when the chain point was final; null where nothing has changed. */
  readonly remember: SeenHeads | null;
}

export interface RoundQuestion {
  /** What DISSC has at the point. */
  readonly recorded: Head;
  /** The updates that it has accepted, in their order; null where they were not looked up. */
  readonly updates: readonly RecordedEvent[] | null;
  readonly point: ChainPoint;
  readonly anchor: Anchor;
  readonly charters: CharterHistory;
}
