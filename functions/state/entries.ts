import type { Address, AgreementId, DatasetId } from '../../core/ids.ts';
import type { GrantId } from '../../core/ports/grants.ts';

/*
 * The service's state in the one table. A dataset's items share pk `D#<dataset>`; numbers in keys are padded so that
 * their text order is their order.
 *
 *   B#<first>#<sha256>   SegmentEntry    one stored segment, whatever became of it
 *   L#<batches>          LogEntry        the log as this service has verified it: position -> segment, with the frontier
 *   T#<fromMs>#<first>#<sha256>          index by capture time, naming B#
 *   X#<batches>          RecordedEntry   one accepted update of the chain, for naming transactions
 *   H#<level>#<n>        TileEntry       256 hashes of complete subtrees of 256^level batches (a cache; may be absent)
 *   G#<grant>            a grant of ASC by its id; all else about it is on the chain
 *   S                    DatasetEntry
 *
 * An agreement's items share pk `A#<agreement>`:
 *
 *   S                    AgreementEntry
 *   M#<from>#<sequence>  MessageEntry    one message of its mailbox
 *
 * Outside: `WORK`/<dataset> (a dataset whose log may be ahead of the final chain), `OWNER#<address>`/USAGE (stored bytes),
 * `RELAYER#<address>`/STATE and TX#<nonce>#<hash> (transactions under way), `PROPOSED#<address>`/<grant> (grants of ASC
 * proposed to that account, not accepted or over yet, finally) and /# (how far they were looked for), `NONCE#<key>`/- (burnt
 * request nonces).
 */

const pad = (value: number, digits: number): string => String(value).padStart(digits, '0');

export const datasetPk = (dataset: DatasetId): string => `D#${dataset}`;
export const segmentSk = (first: number, sha256Hex: string): string => `B#${pad(first, 16)}#${sha256Hex}`;
export const logSk = (batches: number): string => `L#${pad(batches, 10)}`;
export const timeSk = (fromMs: number, first: number, sha256Hex: string): string =>
  `T#${pad(fromMs, 16)}#${pad(first, 16)}#${sha256Hex}`;
export const recordedSk = (batches: number): string => `X#${pad(batches, 10)}`;
export const tileSk = (level: number, number: number): string => `H#${level}#${pad(number, 10)}`;
export const grantSk = (grant: GrantId): string => `G#${grant}`;
export const DATASET_SK = 'S';
export const WORK_PK = 'WORK';
export const ownerPk = (owner: string): string => `OWNER#${owner}`;
export const USAGE_SK = 'USAGE';
export const relayerPk = (account: string): string => `RELAYER#${account}`;
export const RELAYER_STATE_SK = 'STATE';
export const proposedPk = (css: string): string => `PROPOSED#${css}`;
/** Stands before all grants. */
export const PROPOSALS_SK = '#';
export const transactionSk = (nonce: number, hash: string): string => `TX#${pad(nonce, 12)}#${hash}`;
export const agreementPk = (agreement: AgreementId): string => `A#${agreement}`;
export const AGREEMENT_SK = 'S';
export const messageSk = (from: Address, sequence: number): string => `M#${from}#${pad(sequence, 6)}`;
/** Of a message's key. */
export const sequenceOf = (messageKey: string): number => Number(messageKey.slice(-6));
export const noncePk = (key: string): string => `NONCE#${key}`;

/** `received`: its place in the log is not verified yet (a predecessor is missing) or it is in the log (see L#). */
export type SegmentState = 'received' | 'rejected';

/**
 * `content` is for good: bytes with this name's hash cannot become right. The others depend on what lay there (`bytes`), or
 * on what the chain, the log or the operator said at that time, and are looked at again.
 */
export type Rejection = 'content' | 'bytes' | 'dataset' | 'not-served' | 'quota' | 'signer' | 'root';

export interface SegmentEntry {
  readonly key: string;
  readonly state: SegmentState;
  /** Why it was rejected: for people, and what kind of reason it is. */
  readonly reason?: string;
  readonly rejection?: Rejection;
  readonly sizeBytes: number;
  /** Whether its bytes count in the owner's usage. */
  readonly counted: boolean;
  readonly receivedAtMs: number;
  /** When its object was found missing. */
  readonly lostAtMs?: number;
  readonly first: number;
  readonly sha256Hex: string;
  // The rest is known of segments that could be read (state received).
  readonly count?: number;
  /** The manifest's head. */
  readonly headSize?: number;
  readonly headBatches?: number;
  readonly headRoot?: Uint8Array;
  readonly signature?: Uint8Array;
  readonly signer?: string;
  readonly salt?: Uint8Array;
  readonly batchRoot?: Uint8Array;
  readonly sealedHash?: Uint8Array;
  readonly published?: boolean;
  /** Bytes up to the end of the manifest. */
  readonly frontBytes?: number;
  readonly largestBlockBytes?: number;
  readonly fromMs?: number;
  readonly toMs?: number;
}

/** One batch of the verified log. `batches` is the log's length with it; it stands at position batches - 1. */
export interface LogEntry {
  readonly batches: number;
  readonly first: number;
  readonly count: number;
  readonly sha256Hex: string;
  readonly salt: Uint8Array;
  readonly batchRoot: Uint8Array;
  readonly sealedHash: Uint8Array;
  readonly published: boolean;
  /** Frontier after this batch: its peaks, concatenated. */
  readonly peaks: Uint8Array;
  readonly root: Uint8Array;
  readonly signature: Uint8Array;
  readonly signer: string;
}

/**
 * `no-fuel`: less than one recorded batch costs. `over`: the grants have ended, or are about to. `too-dear`: the gas costs
 * more than the grant pays, and the owner is served for its grant alone.
 */
export type Unpaid = 'no-fuel' | 'over' | 'too-dear';

export interface DatasetEntry {
  /** Longest span (ms) between first and last capture within one batch: how far a search by time must look back. */
  readonly longestSpanMs: number;
  /** Largest log length that a segment was waiting for: up to there, successors may lie stored already. */
  readonly waitingUntil?: number;
  /** The device records by itself, as it said at its last upload: nothing is relayed for it. */
  readonly direct?: boolean;
  /** Set when the chain refused its update: it is not sent again while the chain's head has this number of batches. */
  readonly suspendedAtBatches?: number;
  /** Log length that the refused update led to: a newer head of the device is tried all the same. */
  readonly suspendedUpTo?: number;
  readonly suspendedReason?: string;
  /** Why no grant of ASC pays for recording it, although it has one; absent when one does, or it never had one. */
  readonly unpaid?: Unpaid;
  /** Last chain block whose Recorded events are in X#. */
  readonly scannedToBlock?: number;
}

/** One accepted update: every batch up to `batches` that no earlier entry covers was recorded by `txHash`. */
export interface RecordedEntry {
  readonly batches: number;
  readonly txHash: string;
  readonly blockNumber: number;
  readonly signer: string;
}

/** Stored bytes of one owner. `pending` names segments (JSON list of keys) that are counted here but may not say so yet. */
export interface UsageEntry {
  readonly storedBytes: number;
  readonly pending: string;
}

/** Leaves of one tile: 8 KiB, one read. */
export const TILE_LEAVES = 256;

/** Hashes, concatenated: leaves (level 0) or roots of complete subtrees of 256^level leaves. */
export interface TileEntry {
  readonly hashes: Uint8Array;
}

/** What the service keeps of an agreement: whatever must change together is here. */
export interface AgreementEntry {
  /** Decimal: what the highest voucher says. */
  readonly due?: string;
  readonly voucher?: Uint8Array;
  /** Decimal: more than that, which blocks were delivered for, as the chain said it was due. */
  readonly countedDue?: string;
  /** Blocks delivered without being paid for: offsets from the first one for sale, u32 each, ascending. */
  readonly samples?: Uint8Array;
}

export interface MessageEntry {
  readonly to: string;
  readonly enc: Uint8Array;
  readonly ciphertext: Uint8Array;
  readonly signature: Uint8Array;
}
