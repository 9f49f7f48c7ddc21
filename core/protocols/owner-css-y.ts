import { blockKeys } from '../block/seal.ts';
import type { DatasetKey } from '../ids.ts';
import { MAX_RECORD_BLOCKS } from '../limits.ts';
import type { Head } from '../log/head.ts';
import type { CssY, RecordSource } from '../ports/css.ts';
import type { Primitives } from '../ports/primitives.ts';
import type { Verdict } from '../verdict.ts';
import { type CssYEvidence, challengeStorage, type StorageAnswer } from './challenge-storage.ts';
import { judgeOpening, verdictOn, verdictOnFault } from './judge-block.ts';
import { type ProvenRecord, proveRecords } from './prove-records.ts';
import type { SignerOf } from './signers.ts';

/** What Protocol I runs on. The storage is the one under suspicion; head and key come from elsewhere. */
export interface OwnerCssY {
  readonly primitives: Primitives;
  readonly css: CssY & RecordSource;
  /** Read from DISSC: the anchor of every verdict. */
  readonly head: Head;
  readonly datasetKey: DatasetKey;
  readonly signerOf: SignerOf;
}

/**
 * Protocol I (Table II): an owner verifies blocks on storage that can hash on request. Steps 1–7, recording, are the
 * device's. Gives one verdict for each block asked for, window by window of 512, in ascending order of windows.
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
  const recorded = blocks.filter((index) => index < deps.head.size);
  const verdicts: Verdict[] = blocks
    .filter((index) => index >= deps.head.size)
    .map((index) =>
      verdictOnFault(evidence, { index, kind: 'unrecorded', reason: 'The chain has no such block yet.' }),
    );
  if (recorded.length === 0) return verdicts;

  // Table II steps 10–11: Encrypted[Hash(DataBlock)] from DISSC. A record proves itself against the head read there.
  const found = await proveRecords({ hasher: deps.primitives, records: deps.css }, deps.head, recorded, signal);
  verdicts.push(
    ...found.faults.map((fault) => verdictOnFault(evidence, fault)),
    ...found.broken.map(({ index, reason }) =>
      verdictOn({ record: { index }, evidence, signer: null }, 'corrupted', reason),
    ),
  );
  // Table II steps 8–9: BlockIDs to the CSS, its answers back.
  const answers = await challengeStorage({ ...deps, dataset: deps.head.dataset }, found.proven, evidence, signal);
  for (const record of found.proven) {
    verdicts.push(judge(deps, record, evidence, answers.get(record.index) as StorageAnswer));
  }
  return verdicts.sort((a, b) => a.index - b.index);
}

/** Table II steps 12 (open) and 13 (compare). */
function judge(deps: OwnerCssY, record: ProvenRecord, evidence: CssYEvidence, answer: StorageAnswer): Verdict {
  const trial = { dataset: deps.head.dataset, record, evidence, signer: deps.signerOf(record.batch.position) };
  if ('kind' in answer) return { ...verdictOnFault(evidence, answer), signer: trial.signer };
  if ('reason' in answer) return verdictOn(trial, 'corrupted', answer.reason);
  const key = blockKeys(deps.primitives, deps.datasetKey, record.batch.salt)(record.index);
  return judgeOpening(deps.primitives, trial, key, answer.opening);
}
