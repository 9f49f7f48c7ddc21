import type { SignedCharter } from '../../core/charter/charter.ts';
import type { Address, DatasetId } from '../../core/ids.ts';
import type { GrantId } from '../../core/ports/grants.ts';
import type { Update } from '../../core/ports/ledger.ts';
import type { Unpaid } from '../state/entries.ts';

/** A dataset whose log the chain is behind, with the one update that brings it up. */
export interface Pending {
  readonly dataset: DatasetId;
  /** Blocks of the chain's head, from which the update grows. */
  readonly recordedSize: number;
  readonly device: Address;
  /** Whether its owner is served for a grant alone: nothing is recorded for it that is not paid for. */
  readonly onlyPaid: boolean;
  /** As it was when last looked at. */
  readonly unpaid: Unpaid | null;
  readonly update: Update;
  /** What the chain must be told first; null where it has a charter of the dataset. */
  readonly charter: SignedCharter | null;
}

/** One that a grant pays for. */
export interface Paid extends Pending {
  readonly grant: GrantId;
  readonly perRecordWei: bigint;
}

const WORD_BYTES = 32;
/** Offsets, lengths, dataset, size, root, and the padded signature. */
const UPDATE_WORDS = 13;
const CHARTER_WORDS = 13;

/** What it takes up in a transaction, ABI-encoded: never less. Through ASC its grant is named beside it. */
export function callBytes({ update, charter }: Pick<Pending, 'update' | 'charter'>): number {
  const hashes = update.peaks.length + update.appended.length;
  return WORD_BYTES * (1 + UPDATE_WORDS + hashes + (charter === null ? 0 : CHARTER_WORDS));
}
