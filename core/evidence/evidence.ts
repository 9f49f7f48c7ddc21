import type { AttachedObject } from '../block/attached-object.ts';
import type { Opening } from '../block/digest.ts';
import type { SignedCharter } from '../charter/charter.ts';
import type { DisscDomain } from '../dissc-domain.ts';
import { type ErrorOptions, PlumblineError } from '../errors.ts';
import type { Address, BlockIndex, BlockKey, ContentKey, DatasetId, LogRoot, RoundRoot } from '../ids.ts';
import type { SignedHead } from '../log/head.ts';
import type { BlockRecord } from '../log/record.ts';

/** Bounds of an evidence file (specification#evidence-files). */
export const MAX_EVIDENCE_BLOCKS = 65_536;
/** Of the file, stored bytes that it brings along aside. */
export const MAX_EVIDENCE_FRAME_BYTES = 64 * 2 ** 20;
/** Stored bytes that one file may bring along. */
export const MAX_EVIDENCE_STORED_BYTES = 64 * 2 ** 20;
/** Base64 takes four characters for three bytes. */
export const MAX_EVIDENCE_FILE_BYTES = MAX_EVIDENCE_FRAME_BYTES + 4 * Math.ceil(MAX_EVIDENCE_STORED_BYTES / 3) + 4;
export const MAX_EVIDENCE_CHARTERS = 256;

/** A block of the chain, as whoever made the evidence says: it counts once a chain was asked. */
export interface NamedChainBlock {
  readonly blockHash: Uint8Array;
  readonly blockNumber: number;
  readonly timeSeconds: number;
}

/** A transaction of the chain, said alike. */
export interface NamedTransaction extends NamedChainBlock {
  readonly txHash: Uint8Array;
}

/** A charter, and where the chain has it; null where it is the owner's signed word alone. */
export interface ShownCharter {
  readonly charter: SignedCharter;
  readonly chartered: { readonly txHash: Uint8Array; readonly blockNumber: number } | null;
}

/** A round that holds the head: everything its root is made of, and where it was written. */
export interface EvidenceRound extends NamedTransaction {
  readonly anchorer: Address;
  readonly number: number;
  readonly previous: RoundRoot;
  readonly history: LogRoot;
  /** Siblings in the map, the deepest first; the path ends in the leaf of the head. */
  readonly path: readonly Uint8Array[];
}

/** One block, opened. */
export interface EvidenceBlock {
  readonly index: BlockIndex;
  readonly opening: Opening;
  /** Canonical dag-cbor; null where names and times are withheld. */
  readonly meta: Uint8Array | null;
  readonly blockKey: BlockKey;
  readonly record: BlockRecord;
  /** Null where the content is not opened, or not encrypted. */
  readonly contentKey: ContentKey | null;
  /** Where the bytes of a block of an attached dataset are; null in other kinds. */
  readonly object: AttachedObject | null;
  /** The stored bytes, where the file brings them along. */
  readonly bytes: Uint8Array | null;
}

/** What leads from blocks of one dataset to the chain, for whoever is given it (specification#evidence-files). */
export interface EvidenceFile {
  readonly domain: DisscDomain;
  readonly dataset: DatasetId;
  /** By serial: the first, those that name signers, and the one in force. */
  readonly charters: readonly ShownCharter[];
  /** The log in which all records are proven, under its writer's signature. */
  readonly head: SignedHead;
  /** The transaction by which DISSC took this head; null where it has not. */
  readonly record: NamedTransaction | null;
  /** A round that holds this head; null where none does. One of the two is there. */
  readonly round: EvidenceRound | null;
  /** Ascending. */
  readonly blocks: readonly EvidenceBlock[];
  /** Multiproof of all records in the head. */
  readonly proof: readonly Uint8Array[];
  /** Capture times, ms, both inclusive, that are claimed whole; null where nothing is. */
  readonly range: { readonly from: number; readonly to: number } | null;
  /** The chain blocks that metas name as `after`, by number. */
  readonly after: readonly NamedChainBlock[];
  /** An RFC 3161 token of the head (DER); null where no time-stamping authority was asked. */
  readonly timestamp: Uint8Array | null;
}

/** A file is not evidence; `where` is the field. */
export class EvidenceError extends PlumblineError {
  override readonly name = 'EvidenceError';
  readonly kind = 'file';
  readonly where: string;

  constructor(shortMessage: string, where: string, options: ErrorOptions = {}) {
    // A place within it; of the whole the sentence speaks already.
    super(where.startsWith('its ') ? shortMessage : `${shortMessage} (at ${where})`, {
      ...options,
      details: { ...options.details, where },
    });
    this.where = where;
  }
}
