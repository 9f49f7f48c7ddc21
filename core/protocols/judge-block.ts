import { blockDigest, type Opening } from '../block/digest.ts';
import { commitKey, openDigest } from '../block/seal.ts';
import { equalBytes } from '../bytes.ts';
import type { Address, BlockIndex, BlockKey, DatasetId } from '../ids.ts';
import type { Fault } from '../ports/css.ts';
import type { Primitives } from '../ports/primitives.ts';
import type { Evidence, Verdict } from '../verdict.ts';
import type { FoundRecords, ProvenRecord } from './prove-records.ts';
import type { SignerOf } from './signers.ts';

type Hasher = Pick<Primitives, 'sha256'>;

/** What a verdict on one block rests on, besides the answer itself. */
export interface Case {
  readonly dataset: DatasetId;
  readonly record: ProvenRecord;
  readonly evidence: Evidence;
  readonly signer: Address | null;
}

/**
 * Tables II to V, last steps: opens the sealed digest with the key that the owner derives and compares it with the computed
 * one. The salt that the key is made of is the storage's word: where it leads elsewhere, nothing is proven against anybody.
 * @throws ArgumentError for an opening whose hashes are not 32 bytes
 */
export function judgeOpening(hasher: Hasher, trial: Case, key: BlockKey, opening: Opening): Verdict {
  const { record, index, batch } = trial.record;
  if (!equalBytes(commitKey(hasher, key), record.commitment)) {
    const reason =
      `The salt and the serial ${batch.serial} that the storage names for this block do not give the key that its ` +
      'record commits to, so its digest cannot be opened.';
    return verdictOn(trial, 'unavailable', reason);
  }
  const recorded = openDigest(hasher, record.sealed, record.commitment, key);
  const computed = blockDigest(hasher, { dataset: trial.dataset, index }, opening);
  return equalBytes(recorded, computed)
    ? verdictOn(trial, 'intact', null)
    : verdictOn(trial, 'corrupted', 'The stored block does not hash to the recorded digest.');
}

/** The verdict where there is nothing to compare. `signer` is the account that the block was recorded by, where it was. */
export function verdictOnFault(evidence: Evidence, fault: Fault, signer: Address | null): Verdict {
  const { index, kind, reason } = fault;
  return { index, verdict: kind, evidence, reason, blame: null, signer };
}

/** Verdicts on those of the blocks that lie beyond the newest head of `size` blocks. */
export function verdictsOnUnrecorded(evidence: Evidence, blocks: readonly BlockIndex[], size: number): Verdict[] {
  const reason = 'The chain has not recorded this block yet.';
  return blocks
    .filter((index) => index >= size)
    .map((index) => verdictOnFault(evidence, { index, kind: 'unrecorded', reason }, null));
}

/** Verdicts on blocks without a proven record, each with the account that signed for it. */
export function verdictsOnMissing(
  evidence: Evidence,
  { faults, broken }: Pick<FoundRecords, 'faults' | 'broken'>,
  signerOf: SignerOf,
): Verdict[] {
  return [
    ...faults.map((fault) => verdictOnFault(evidence, fault, signerOf(fault.index))),
    ...broken.map(({ index, reason }) =>
      verdictOn({ record: { index }, evidence, signer: signerOf(index) }, 'corrupted', reason),
    ),
  ];
}

export function verdictOn(
  trial: { readonly record: { readonly index: number }; readonly evidence: Evidence; readonly signer: Address | null },
  verdict: Verdict['verdict'],
  reason: string | null,
): Verdict {
  const { evidence, signer } = trial;
  return { index: trial.record.index, verdict, evidence, reason, blame: null, signer };
}
