import type { DatasetWriter } from '../../core/batch/seal-batch.ts';
import type { SignedCharter } from '../../core/charter/charter.ts';
import type { Address } from '../../core/ids.ts';
import type { Ledger } from '../../core/ports/ledger.ts';
import type { Primitives } from '../../core/ports/primitives.ts';
import type { Runtime } from '../../core/ports/runtime.ts';
import type { StorageService } from '../../core/ports/service.ts';
import type { Transfer } from '../../core/ports/transfer.ts';
import type { Report } from '../events.ts';
import type { Outbox } from '../outbox/open-outbox.ts';
import type { StreamPosition } from './adopt-batch.ts';
import type { ChainView } from './chain-view.ts';

/** What comparing the outbox's log with the chain's and the service's is done with. */
export interface CompareParts {
  readonly primitives: Primitives;
  readonly runtime: Pick<Runtime, 'timeout'>;
  readonly transfer: Pick<Transfer, 'get'>;
  readonly outbox: Outbox;
  readonly writer: DatasetWriter;
  readonly account: Address;
  /** The newest that names this device, as far as it knows. */
  readonly charter: SignedCharter;
  readonly service: Pick<StorageService, 'listBatches' | 'getSegment' | 'getRecords' | 'getAnchor' | 'putCharter'>;
  readonly ledger: Ledger;
  /** The chain as it was read not long ago; not given: it is read. */
  readonly readView?: (signal: AbortSignal) => Promise<ChainView>;
  /** Who records: a device that does so itself sends its charter along. */
  readonly record: 'relayed' | 'direct';
  /** Whether sealed digests go onto the chain, too. */
  readonly publishes: boolean;
  /** Nothing had ever been captured when this process began: no block of the log can be here a second time. */
  readonly bornEmpty: boolean;
  /** How what is adopted moves the stream's position; it does not once this run was level with the log. */
  readonly stream: StreamPosition;
  readonly nowMs: () => number;
  readonly report: Report;
}

/** What was taken over of the log: blocks, and how many of them had been captured here, too. */
export interface Adopted {
  readonly blocks: number;
  readonly known: number;
}
