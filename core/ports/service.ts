import type { PresentedVoucher } from '../agreement/key-request.ts';
import type { SealedMessage } from '../agreement/message.ts';
import type { Voucher } from '../agreement/voucher.ts';
import type { SignedCharter } from '../charter/charter.ts';
import type { Address, AgreementId, DatasetId, LogRoot, RoundRoot } from '../ids.ts';
import type { Growth } from '../log/growth.ts';
import type { SignedHead } from '../log/head.ts';
import type { SignedText } from '../market/signed-text.ts';
import type { MapLeaf } from '../rounds/map-leaf.ts';
import type { RoundFront } from '../rounds/round.ts';
import type { MessagePage } from '../wire/messages.ts';
import type {
  BatchLine,
  GetSegmentResponse,
  ListBatchesResponse,
  PublishSegmentResponse,
  UploadSegmentResponse,
} from '../wire/requests.ts';
import type { CssN, CssY, RecordSource } from './css.ts';

export type { BatchLine };

/** What get-anchor answers, parsed. */
export interface DatasetAnchor {
  readonly charter: SignedCharter;
  /** Null before the first. */
  readonly head: SignedHead | null;
  /** What a round of the charter's anchorer says; null where there is none, or this service does not keep it. */
  readonly round: ServiceRound | null;
  /** What DISSC has at a final block by the service's word: it tells when to ask the chain. Null where rounds are to be asked. */
  readonly final: { readonly size: number; readonly root: LogRoot } | null;
  readonly growth: readonly Growth[];
}

/** A round as a service shows it (core/rounds/round-head.ts checks it). */
export interface ServiceRound extends RoundFront {
  /** In the map, the deepest sibling first. */
  readonly path: readonly Uint8Array[];
  /** The dataset's head there; null where there is none, or where the service does not have its signature. */
  readonly head: SignedHead | null;
  /** What the path ends in, where that is not `head`; null: nothing. */
  readonly end: MapLeaf | null;
  readonly txHash: string;
}

/**
 * The cloud storage service as its callers see it (specification#functions). Throws StoreUnavailableError when it does not
 * answer in time or answers 5xx, RequestRefusedError when it answers 4xx.
 */
export interface StorageService extends CssY, CssN, RecordSource {
  uploadSegment(
    dataset: DatasetId,
    segment: { first: number; sha256: Uint8Array; sizeBytes: number; record?: 'relayed' | 'direct'; look?: boolean },
    signal?: AbortSignal,
  ): Promise<UploadSegmentResponse>;
  listBatches(
    dataset: DatasetId,
    query: { by?: 'block' | 'time'; from?: number; to?: number; cursor?: string; limit?: number },
    signal?: AbortSignal,
  ): Promise<ListBatchesResponse>;
  getSegment(dataset: DatasetId, first: number, signal?: AbortSignal): Promise<GetSegmentResponse>;
  /** Shows the service a charter. It keeps the first of a dataset, and those that DISSC has. */
  putCharter(dataset: DatasetId, charter: SignedCharter, signal?: AbortSignal): Promise<{ readonly stored: boolean }>;
  /**
   * Charter, newest signed head, what a round says (that of this root, or the newest final one), and the growth from `since`
   * blocks: not to be believed before it is verified.
   */
  getAnchor(
    dataset: DatasetId,
    query?: { readonly since?: number; readonly round?: RoundRoot },
    signal?: AbortSignal,
  ): Promise<DatasetAnchor>;
}

/** The service's way into IPFS, for an owner; throws like StorageService. Repeating it changes nothing. */
export interface SegmentPublisher {
  publishSegment(dataset: DatasetId, first: number, signal?: AbortSignal): Promise<PublishSegmentResponse>;
}

/** What the service does for the two parties of an agreement: the owner's agent, and who signs for the consumer. */
export interface AgreementService {
  /** What is due by the highest voucher that the service has: at least this one's. */
  storeVoucher(voucher: Voucher, signature: Uint8Array, signal?: AbortSignal): Promise<bigint>;
  /** The highest voucher that the service has, for whoever is paid by it; null before the first. Not to be believed. */
  getVoucher(agreement: AgreementId, signal?: AbortSignal): Promise<PresentedVoucher | null>;
  /** Lays a message into the agreement's mailbox; the very same one again changes nothing. */
  postMessage(message: SealedMessage, signal?: AbortSignal): Promise<void>;
  /** Messages of one party from a sequence on: not to be believed before each is opened. */
  listMessages(
    agreement: AgreementId,
    query: { from: Address; sequence?: number },
    signal?: AbortSignal,
  ): Promise<MessagePage>;
}

/** What sellers and buyers say of what they have and want: public, and signed. Throws like StorageService. */
export interface MarketService {
  /** Says what an offer is about. The first description stays. */
  putDescription(
    agreement: AgreementId,
    description: SignedText,
    signal?: AbortSignal,
  ): Promise<{ readonly stored: boolean }>;
  /** What is said of these agreements, in any number: not to be believed before its signature is checked. */
  getDescriptions(
    agreements: readonly AgreementId[],
    signal?: AbortSignal,
  ): Promise<ReadonlyMap<AgreementId, SignedText>>;
  /** Says what somebody would buy. */
  putRequest(request: SignedText, signal?: AbortSignal): Promise<{ readonly id: string; readonly stored: boolean }>;
  /** What others would buy: not to be believed before its signature is checked. */
  listRequests(signal?: AbortSignal): Promise<readonly SignedText[]>;
}
