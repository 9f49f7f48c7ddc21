import { concatBytes, isZero } from '../bytes.ts';
import { ArgumentError } from '../errors.ts';
import { bytes32, type Commitment, type ContentCommitment, type SealedDigest } from '../ids.ts';
import { RECORD_BYTES } from '../limits.ts';
import type { Primitives } from '../ports/primitives.ts';
import { leafHash } from './merkle.ts';

/** What the log says of one block, in public: its sealed digest, and what makes sealing and encrypting binding. */
export interface BlockRecord {
  readonly sealed: SealedDigest;
  readonly commitment: Commitment;
  /** 32 zero bytes when the content is not encrypted. */
  readonly contentCommitment: ContentCommitment;
}

/**
 * sealed ‖ commitment ‖ contentCommitment, 96 bytes: one field everywhere (specification#record).
 * @throws ArgumentError unless each of its fields has 32 bytes
 */
export function recordBytes(record: BlockRecord): Uint8Array {
  return concatBytes(
    bytes32(record.sealed, 'sealed digest'),
    bytes32(record.commitment, 'commitment'),
    bytes32(record.contentCommitment, 'content commitment'),
  );
}

/** @throws ArgumentError unless 96 bytes */
export function parseRecord(bytes: Uint8Array): BlockRecord {
  if (bytes.length !== RECORD_BYTES) {
    throw new ArgumentError(`A record must have ${RECORD_BYTES} bytes, not ${bytes.length}.`);
  }
  return {
    sealed: bytes.slice(0, 32) as SealedDigest,
    commitment: bytes.slice(32, 64) as Commitment,
    contentCommitment: bytes.slice(64) as ContentCommitment,
  };
}

/**
 * The record's leaf in its dataset's log: H(00 ‖ record). Its position is the block's index.
 * @throws ArgumentError as `recordBytes`
 */
export function recordHash(hasher: Pick<Primitives, 'sha256'>, record: BlockRecord): Uint8Array {
  return leafHash(hasher, recordBytes(record));
}

/** Whether a record says that its block's content is not encrypted. */
export function isPlainRecord(record: Pick<BlockRecord, 'contentCommitment'>): boolean {
  return isZero(record.contentCommitment);
}
