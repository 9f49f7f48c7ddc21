import { contentKey, requireContentKey } from '../block/content-keys.ts';
import { blockDigest } from '../block/digest.ts';
import { openDigest } from '../block/seal.ts';
import { equalBytes } from '../bytes.ts';
import { KeyError } from '../errors.ts';
import type { BlockIndex, ContentKey, DatasetId } from '../ids.ts';
import type { LogState } from '../log/growth.ts';
import { isPlainRecord } from '../log/record.ts';
import { requireRecords } from '../log/verify-records.ts';
import type { Primitives } from '../ports/primitives.ts';
import type { BlockKeys, KeyPayload } from './key-payload.ts';

/** The log that an agreement is bound to, as OCASC took it from DISSC. */
export interface SoldLog extends LogState {
  readonly dataset: DatasetId;
}

/**
 * Checks that the records of all blocks of a payload lead to the log that was sold. What the owner has signed and does not,
 * is the owner's fault.
 * @throws ProofError when they do not, or the proof is too long or too short
 */
export function requireKeyRecords(hasher: Pick<Primitives, 'sha256'>, log: SoldLog, payload: KeyPayload): void {
  requireRecords(hasher, log, payload.blocks, payload.proof);
}

/**
 * Checks that the blockKey is the committed one and that the opening opens the record's digest (Table IV step 11, Table V step 10).
 * @throws KeyError when either is another: the owner's fault
 */
export function requireBlockKeys(hasher: Pick<Primitives, 'sha256'>, dataset: DatasetId, keys: BlockKeys): void {
  const { index, opening, blockKey, record } = keys;
  const recorded = openDigest(hasher, record.sealed, record.commitment, blockKey);
  if (equalBytes(recorded, blockDigest(hasher, { dataset, index }, opening))) return;
  throw new KeyError(`The owner sent an opening of block ${index} that does not match the record.`);
}

/**
 * The content key of a block, its own or that of its batch, compared with the record's commitment; null where none is given
 * or nothing is encrypted. To be asked before the next voucher is signed.
 * @throws KeyError when it is not the committed one: the owner's fault
 */
export function contentKeyOf(
  primitives: Pick<Primitives, 'sha256' | 'hmacSha256'>,
  payload: KeyPayload,
  index: BlockIndex,
): ContentKey | null {
  const keys = payload.blocks.find((one) => one.index === index);
  if (keys === undefined || isPlainRecord(keys.record)) return null;
  const batch = payload.batches.find(({ first, count }) => index >= first && index < first + count);
  const key = keys.contentKey ?? (batch === undefined ? null : contentKey(primitives, batch.key, index));
  if (key !== null) requireContentKey(primitives, keys.record.contentCommitment, key, index);
  return key;
}
