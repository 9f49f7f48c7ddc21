import { blockDigest, type Opening } from '../block/digest.ts';
import { commitKey, openDigest } from '../block/seal.ts';
import { equalBytes } from '../bytes.ts';
import type { Address, BlockKey, DatasetId } from '../ids.ts';
import type { Fault } from '../ports/css.ts';
import type { Primitives } from '../ports/primitives.ts';
import type { Evidence, Verdict } from '../verdict.ts';
import type { ProvenRecord } from './prove-records.ts';

type Hasher = Pick<Primitives, 'sha256'>;

/** What a verdict on one block rests on, besides the answer itself. */
export interface Case {
  readonly dataset: DatasetId;
  readonly record: ProvenRecord;
  readonly evidence: Evidence;
  readonly signer: Address | null;
}

/** Tables II to V, last steps: opens the sealed digest with the owner's key and compares it with the computed one. */
export function judgeOpening(hasher: Hasher, trial: Case, key: BlockKey, opening: Opening): Verdict {
  const { record } = trial;
  if (!equalBytes(commitKey(hasher, key), record.commitment)) {
    // The owner derives the key from the proven salt: if it does not fit, the writer committed to something else.
    return {
      ...verdictOn(trial, 'misrecorded', 'The recorded commitment is not the one that the dataset key gives.'),
      blame: 'writer',
    };
  }
  const recorded = openDigest(hasher, record.sealed, record.commitment, key);
  const computed = blockDigest(hasher, { dataset: trial.dataset, index: record.index }, opening);
  return equalBytes(recorded, computed)
    ? verdictOn(trial, 'intact', null)
    : verdictOn(trial, 'corrupted', 'The stored block does not hash to the recorded digest.');
}

/** The verdict where there is nothing to compare. */
export function verdictOnFault(evidence: Evidence, fault: Fault): Verdict {
  const { index, kind, reason } = fault;
  return { index, verdict: kind, evidence, reason, blame: null, signer: null };
}

export function verdictOn(
  trial: { readonly record: { readonly index: number }; readonly evidence: Evidence; readonly signer: Address | null },
  verdict: Verdict['verdict'],
  reason: string | null,
): Verdict {
  const { evidence, signer } = trial;
  return { index: trial.record.index, verdict, evidence, reason, blame: null, signer };
}
