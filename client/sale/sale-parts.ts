import type { Manifest } from '../../core/batch/manifest-fields.ts';
import type { Address, AgreementId, DatasetId, DatasetKey, PrivateKey } from '../../core/ids.ts';
import type { AgreementMarket, AgreementParty } from '../../core/ports/agreements.ts';
import type { Anchor, ChainPoint } from '../../core/ports/ledger.ts';
import type { Primitives } from '../../core/ports/primitives.ts';
import type { Runtime } from '../../core/ports/runtime.ts';
import type { AgreementService, StorageService } from '../../core/ports/service.ts';
import type { ClaimPace } from './claim-pace.ts';
import type { PreparedAnswers } from './prepared-answers.ts';
import type { SaleEvent } from './sale-event.ts';
import type { SaleState } from './sale-state.ts';

/** The service as an agreement's agent has it. */
export type SaleService = AgreementService &
  Pick<StorageService, 'getRecords' | 'getSegment' | 'hashBlocks' | 'proveChunks' | 'getBlock'>;

/** What the owner's side of all sales works with. */
export interface SaleParts {
  readonly primitives: Primitives;
  readonly owner: Address;
  /** Signs messages and answers questions; holds no money but that for gas. */
  readonly agentKey: PrivateKey;
  /** What the encryption keys of the offers follow from. */
  readonly offersSecret: Uint8Array;
  /** Of each dataset, by the serial of the device that sealed. */
  readonly datasetKeys: ReadonlyMap<DatasetId, ReadonlyMap<number, DatasetKey>>;
  readonly market: AgreementMarket;
  /** OCASC as the agent. */
  readonly party: AgreementParty;
  /** Its clock counts beside the chain's: an idle chain's newest block may be old. */
  readonly runtime: Runtime;
  readPoint(anchor: Anchor, signal?: AbortSignal): Promise<ChainPoint>;
  /** The service, asked under this agreement. */
  serviceFor(agreement: AgreementId): SaleService;
  /** Manifest of the stored segment that begins at a block; null when there is none. Nothing in it is believed. */
  fetchManifest(
    service: Pick<StorageService, 'getSegment'>,
    dataset: DatasetId,
    first: number,
    signal: AbortSignal,
  ): Promise<Manifest | null>;
  readonly state: SaleState;
  /** In memory, of this server. */
  readonly claimPace: ClaimPace;
  /** In memory, of this server. */
  readonly prepared: PreparedAnswers;
  /** Chain block from which OCASC exists. */
  readonly fromBlock: number;
  onEvent(event: SaleEvent): void;
  /** Returns when what somebody has to be told of the events until now is on the disk. */
  readonly eventsKept?: () => Promise<void>;
}
