import { MAX_RECORD_BLOCKS } from '../limits.ts';
import type { CssY, RecordSource } from '../ports/css.ts';
import type { Primitives } from '../ports/primitives.ts';
import type { Verdict } from '../verdict.ts';
import { type CssYEvidence, challengeStorage, type StorageAnswer } from './challenge-storage.ts';
import { judgeOpening, verdictOn, verdictOnFault, verdictsOnMissing, verdictsOnUnrecorded } from './judge-block.ts';
import { blockKeyOf, type DatasetKeyOf } from './owner-keys.ts';
import { type ProvenRecord, proveRecords } from './prove-records.ts';
import type { RecordedHeads } from './recorded-heads.ts';
import type { SignerOf } from './signers.ts';

/** What Protocol I runs on. The storage is the one under suspicion; heads and keys come from elsewhere. */
export interface OwnerCssY {
  readonly primitives: Primitives;
  readonly css: CssY & RecordSource;
  /** Read from DISSC: the newest is the anchor of every verdict. */
  readonly heads: RecordedHeads;
  readonly datasetKeyOf: DatasetKeyOf;
  readonly signerOf: SignerOf;
}

/**
 * Protocol I (Table II): an owner verifies blocks on storage that can hash on request. Steps 1–7, recording, are the
 * device's. Gives one verdict for each block asked for, window by window of 512, in ascending order of windows.
 * @throws ArgumentError as `judgeOpening`
 */
export async function* verifyOwnerCssY(
  deps: OwnerCssY,
  blocks: readonly number[],
  evidence: CssYEvidence,
  signal?: AbortSignal,
): AsyncGenerator<Verdict[]> {
  for (let at = 0; at < blocks.length; at += MAX_RECORD_BLOCKS) {
    signal?.throwIfAborted();
    yield await verifyWindow(deps, blocks.slice(at, at + MAX_RECORD_BLOCKS), evidence, signal);
  }
}

async function verifyWindow(
  deps: OwnerCssY,
  blocks: readonly number[],
  evidence: CssYEvidence,
  signal: AbortSignal | undefined,
): Promise<Verdict[]> {
  const { primitives, css, heads, signerOf } = deps;
  const [{ dataset, size }] = heads;
  const recorded = blocks.filter((index) => index < size);
  const verdicts = verdictsOnUnrecorded(evidence, blocks, size);
  if (recorded.length === 0) return verdicts;

  // Table II steps 10–11: Encrypted[Hash(DataBlock)] from DISSC. A record proves itself against the heads read there.
  const found = await proveRecords({ hasher: primitives, records: css }, heads, recorded, signal);
  verdicts.push(...verdictsOnMissing(evidence, found, signerOf));
  // Table II steps 8–9: BlockIDs to the CSS, its answers back.
  const answers = await challengeStorage({ primitives, css, dataset }, found.proven, evidence, signal);
  for (const record of found.proven) {
    verdicts.push(judge(deps, record, evidence, answers.get(record.index) as StorageAnswer));
  }
  return verdicts.sort((a, b) => a.index - b.index);
}

/** Table II steps 12 (open) and 13 (compare). */
function judge(deps: OwnerCssY, record: ProvenRecord, evidence: CssYEvidence, answer: StorageAnswer): Verdict {
  const signer = deps.signerOf(record.index);
  const trial = { dataset: deps.heads[0].dataset, record, evidence, signer };
  if ('kind' in answer) return verdictOnFault(evidence, answer, signer);
  if ('reason' in answer) return verdictOn(trial, 'corrupted', answer.reason);
  return judgeOpening(deps.primitives, trial, blockKeyOf(deps, record), answer.opening);
}
