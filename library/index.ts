/**
 * Plumbline as a library, for programs on Node: what an owner, a consumer and an auditor do.
 *
 * Each of the three is opened from a stack file, a connection file or plain values. Everything that can go wrong is a
 * `PlumblineError`, whose class says whose turn it is.
 *
 * @module
 */
export type { AuditReport } from '../client/audit-blocks.ts';
export type { Delivered } from '../client/consumer/deliver-purchase.ts';
export type { LookedAtOffer } from '../client/consumer/look-at-offer.ts';
export type { BlockRange } from '../client/disowned-blocks.ts';
export type { EvidenceReport } from '../client/evidence/report-evidence.ts';
export type { GotBlock } from '../client/owner/judge-stored.ts';
export type { PublishedBatch } from '../client/owner/publish-batches.ts';
export type { Restored } from '../client/restore/restore-files.ts';
export type { Authorised } from '../client/sale/authorise-css.ts';
export type { MadeOffer } from '../client/sale/offer-blocks.ts';
export type { SaleEvent } from '../client/sale/sale-event.ts';
export { SaleStateBusyError, SaleStateError } from '../client/sale/sale-state.ts';
export type { OddTerm } from '../core/agreement/odd-terms.ts';
export type { Terms } from '../core/agreement/terms.ts';
export {
  AnswerError,
  ArgumentError,
  ChainAnswerError,
  DefectError,
  FileError,
  KeyError,
  LedgerUnavailableError,
  NotRecordedError,
  PlumblineError,
  ProofError,
  RequestRefusedError,
  SegmentError,
  StateError,
  StoreUnavailableError,
} from '../core/errors.ts';
export type { Address, AgreementId, DatasetId } from '../core/ids.ts';
export type { Agreement } from '../core/ports/agreements.ts';
export type { Verdict } from '../core/verdict.ts';
export type { AuditOptions } from './audit-bucket.ts';
export { Auditor, type AuditorOptions } from './auditor.ts';
export type { AuthoriseOptions } from './authorise-service.ts';
export { connectDevice } from './connect-device.ts';
export type { ConnectionValues } from './connection.ts';
export {
  type AcceptOptions,
  Consumer,
  type ConsumerOptions,
  type FetchOptions,
  type PurchaseAuditOptions,
} from './consumer.ts';
export type { DatasetEntry } from './dataset-list.ts';
export type { Fetched } from './fetch-purchase.ts';
export {
  type GetOptions,
  type OfferWishes,
  Owner,
  type OwnerOptions,
  type OwnerProveOptions,
  type OwnerVerifyOptions,
} from './owner.ts';
export type { KeyOptions, WhereOptions } from './program-parts.ts';
export type { Proven, ProveOptions } from './prove-blocks.ts';
export type { ServeOptions } from './serve-owner.ts';
export { Verification } from './verification.ts';
