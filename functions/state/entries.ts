import type { Address, AgreementId, DatasetId } from '../../core/ids.ts';
import type { GrantId } from '../../core/ports/grants.ts';

/*
 * The service's state in the one table. A dataset's items share pk `D#<dataset>`; numbers in keys are padded so that
 * their text order is their order.
 *
 *   B#<first>#<sha256>   SegmentEntry    one stored segment, whatever became of it
 *   L#<first>            LogEntry        the log as this service has verified it: which segment goes on from this block, to where
 *   R#<from>#<sha256>    RecordsEntry    records of consecutive blocks of one batch, for public proofs
 *   W#<first>#<sha256>   a verified segment that waits for its predecessor
 *   T#<fromMs>#<first>#<sha256>          index by capture time, naming B#; of a very long span by its end, too
 *   X#<size>             RecordedEntry   one accepted update of the chain
 *   C#FIRST              CharterEntry    the first charter that was shown; one, whoever races
 *   C#<serial>           CharterEntry    one charter that DISSC has
 *   G#<grant>            a grant of ASC by its id; all else about it is on the chain
 *   J#<device>           what a device that was replaced has stored that was turned away
 *   S                    DatasetEntry
 *
 * An agreement's items share pk `A#<agreement>`:
 *
 *   S                    AgreementEntry
 *   M#<from>#<sequence>  MessageEntry    one message of its mailbox
 *   D                    SignedEntry     what its owner says of it
 *
 * Outside: `WORK#<digit>`/<dataset> (a dataset whose log may be ahead of the final chain, or differ from it: all of it is to be
 * looked at), `WORK#<digit>`/<dataset>#<size>#<root> (its log has this head: HeadMark; the same whoever writes it),
 * `LATER`/<ms>#<dataset> (it is to be looked at from then on), `OWNERS`/<address> (an owner that the operator serves, and its quota),
 * `OWNER#<address>`/USAGE#<dataset> (stored bytes),
 * `RELAYER#<address>`/STATE and TX#<nonce>#<hash> (transactions under way) and REST (until when there is nothing to do), `PROPOSED#<address>`/<grant> (grants of ASC
 * proposed to that account, not accepted or over yet, finally) and /# (how far they were looked for), `NONCE#<key>`/- (burnt
 * request nonces), `RECONCILE`/- (up to which key the bucket was compared with the table in this round), `ASIDE`/<key> (an
 * object that can never be a segment, to be set aside), `WAITING`/<dataset> (one with segments that wait for their predecessors),
 * `REQUESTS`/BUYER#<place> and OPEN#<place> (RequestEntry: what somebody would buy, in one of a fixed number of places),
 * `FILLING`/<dataset>#<from> (a gap of its log that segments are taking the place of),
 * `CHARTERED`/# (how far DISSC's charters have been followed) and `CHARTERED`/<block>#<dataset>#<serial> (one that was kept from a
 * block that is not final yet).
 */

const pad = (value: number, digits: number): string => String(value).padStart(digits, '0');

export const datasetPk = (dataset: DatasetId): string => `D#${dataset}`;
export const segmentSk = (first: number, sha256Hex: string): string => `B#${pad(first, 16)}#${sha256Hex}`;
export const logSk = (first: number): string => `L#${pad(first, 16)}`;
export const recordsSk = (from: number, sha256Hex: string): string => `R#${pad(from, 16)}#${sha256Hex}`;
export const waitingSk = (first: number, sha256Hex: string): string => `W#${pad(first, 16)}#${sha256Hex}`;
export const timeSk = (fromMs: number, first: number, sha256Hex: string): string =>
  `T#${pad(fromMs, 16)}#${pad(first, 16)}#${sha256Hex}`;
export const recordedSk = (size: number): string => `X#${pad(size, 16)}`;
export const charterSk = (serial: number): string => `C#${pad(serial, 10)}`;
/** Stands behind those of the chain. */
export const FIRST_CHARTER_SK = 'C#FIRST';
export const grantSk = (grant: GrantId): string => `G#${grant}`;
export const junkSk = (device: Address): string => `J#${device}`;
export const DATASET_SK = 'S';
/** Sixteen, by the first digit of ids, so that no partition takes all writes. */
export const WORK_PKS: readonly string[] = [...'0123456789abcdef'].map((digit) => `WORK#${digit}`);
export const workPk = (dataset: DatasetId): string => `WORK#${dataset.charAt(2)}`;
export const LATER_PK = 'LATER';
/** One item an owner that the operator serves. */
export const OWNERS_PK = 'OWNERS';
export const ownerPk = (owner: string): string => `OWNER#${owner}`;
/** One for each dataset: an owner's devices do not meet on one item. */
export const usageSk = (dataset: string): string => `USAGE#${dataset}`;
export const relayerPk = (account: string): string => `RELAYER#${account}`;
export const RELAYER_STATE_SK = 'STATE';
/** Until when nothing can be done. */
export const RELAYER_REST_SK = 'REST';
export const proposedPk = (css: string): string => `PROPOSED#${css}`;
/** Stands before all grants. */
export const PROPOSALS_SK = '#';
export const transactionSk = (nonce: number, hash: string): string => `TX#${pad(nonce, 12)}#${hash}`;
export const agreementPk = (agreement: AgreementId): string => `A#${agreement}`;
export const AGREEMENT_SK = 'S';
export const messageSk = (from: Address, sequence: number): string => `M#${from}#${pad(sequence, 6)}`;
/** Of a message's key. */
export const sequenceOf = (messageKey: string): number => Number(messageKey.slice(-6));
export const DESCRIPTION_SK = 'D';
export const REQUESTS_PK = 'REQUESTS';
/** Accounts that have bought before have places of their own. */
export type RequestPlaces = 'BUYER' | 'OPEN';
export const requestSk = (places: RequestPlaces, place: number): string => `${places}#${pad(place, 3)}`;
export const RECONCILE_PK = 'RECONCILE';
export const RECONCILE_SK = '-';
export const ASIDE_PK = 'ASIDE';
export const WAITING_PK = 'WAITING';
export const FILLING_PK = 'FILLING';
export const fillingSk = (dataset: DatasetId, from: number): string => `${dataset}#${pad(from, 16)}`;
export const CHARTERED_PK = 'CHARTERED';
/** Stands before all charters that are not final yet. */
export const FOLLOWED_SK = '#';
export const charteredSk = (blockNumber: number, dataset: DatasetId, serial: number): string =>
  `${pad(blockNumber, 12)}#${dataset}#${pad(serial, 10)}`;
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
  /** When what was rejected for good, and set aside, is no longer named, in seconds since 1970. */
  readonly expiresAtS?: number;
  /** When its object was last looked at. */
  readonly lookedAtMs?: number;
  /** When its object was found missing. */
  readonly lostAtMs?: number;
  readonly first: number;
  readonly sha256Hex: string;
  // The rest is known of segments that could be read (state received).
  readonly count?: number;
  /** The manifest's head. */
  readonly headSize?: number;
  readonly headRoot?: Uint8Array;
  readonly signature?: Uint8Array;
  readonly signer?: string;
  /** Of the device that sealed it, by its own word. */
  readonly serial?: number;
  /** Bytes up to the end of the manifest. */
  readonly frontBytes?: number;
  readonly largestBlockBytes?: number;
  readonly fromMs?: number;
  readonly toMs?: number;
}

/**
 * One step of the verified log: from block `first`, which is in its key, to `size`, by one batch; or by what the chain has recorded where
 * no stored segments lead (a gap): then segment and signature are null, and `appended` holds what the chain's event says. Beside
 * a gap a step may be the part of a batch that the event vouches for: then its signature is null, as no device has signed that size.
 */
export interface LogEntry {
  /** Blocks of the log with it. */
  readonly size: number;
  readonly first: number;
  readonly sha256Hex: string | null;
  /** Where its batch begins, when that is before `first`. */
  readonly batch?: number;
  readonly root: Uint8Array;
  /** Of the log with it, concatenated. */
  readonly peaks: Uint8Array;
  readonly signature: Uint8Array | null;
  /** The account that signed the head, or whose head the chain has recorded. */
  readonly signer: string;
  /** Of the device, by the segment's own word; null in a gap. */
  readonly serial: number | null;
  /** Gaps up to here, this one included. */
  readonly gaps: number;
  /** Of a gap: roots of the perfect subtrees that lead through it, concatenated. */
  readonly appended?: Uint8Array;
}

/** A verified segment that waits for its predecessor: what it takes to try it. */
export interface WaitingEntry {
  readonly first: number;
  readonly sha256Hex: string;
  /** Blocks of the log with it. */
  readonly size: number;
  readonly signer: string;
  readonly frontBytes: number;
  readonly receivedAtMs: number;
}

/** Records of consecutive blocks of one batch, from the block in its key on, with what its manifest says of the batch. */
export interface RecordsEntry {
  readonly from: number;
  readonly sha256Hex: string;
  /** 96 bytes each. */
  readonly records: Uint8Array;
  readonly first: number;
  readonly count: number;
  readonly serial: number;
  readonly salt: Uint8Array;
  readonly nonce: Uint8Array | null;
  readonly largestBlockBytes: number;
  /** SHA-256 over all of this: an item that differs from it was damaged where it is kept. */
  readonly check: Uint8Array;
}

/**
 * `no-fuel`: less than one record costs. `over`: the grants have ended, or are about to. `too-dear`: the gas costs
 * more than the grant pays, and the owner is served for its grant alone.
 */
export type Unpaid = 'no-fuel' | 'over' | 'too-dear';

export interface DatasetEntry {
  /** Longest span (ms) between first and last capture within one batch: how far a search by time must look back. */
  readonly longestSpanMs: number;
  /** The device records by itself, as it said at its last upload: nothing is relayed for it. */
  readonly direct?: boolean;
  /** Set when the chain refused its update: it is not sent again while the chain's head has this size. */
  readonly suspendedAtSize?: number;
  /** Size that the refused update led to: a newer head of the device is tried all the same. */
  readonly suspendedUpTo?: number;
  readonly suspendedReason?: string;
  /** Bytes of objects, stored by this device, that are no segments and never will be, or that were turned away. */
  readonly junkBytes?: number;
  /** How many they are. */
  readonly junkObjects?: number;
  readonly junkBy?: string;
  /** Blocks up to which the log's whole tiles are in the bucket, as far as there are tiles. */
  readonly tiledTo?: number;
  /** Why no grant of ASC pays for recording it, although it has one; absent when one does, or it never had one. */
  readonly unpaid?: Unpaid;
  /** Last chain block whose Recorded events are in X#. */
  readonly scannedToBlock?: number;
}

/** One accepted update: every block below `size` that no earlier entry covers was recorded by `txHash`. */
export interface RecordedEntry {
  readonly size: number;
  readonly root: Uint8Array;
  /** Roots of the perfect subtrees that led to it, concatenated. */
  readonly appended: Uint8Array;
  readonly txHash: string;
  readonly blockNumber: number;
  readonly signer: string;
}

/** Stored bytes of one dataset, for its owner's quota. `pending` names segments (JSON list of keys) that are counted here but may not say so yet. */
export interface UsageEntry {
  readonly storedBytes: number;
  readonly pending: string;
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

/** A text that somebody signed, as it came. */
export interface SignedEntry {
  readonly text: string;
  readonly signature: Uint8Array;
  /** In seconds since 1970. */
  readonly expiresAtS: number;
}

export interface RequestEntry extends SignedEntry {
  readonly account: string;
}
