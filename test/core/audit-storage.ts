import assert from 'node:assert/strict';
import type { SealedBatch } from '../../core/batch/seal-batch.ts';
import type { Primitives } from '../../core/ports/primitives.ts';
import type { CssYEvidence } from '../../core/protocols/challenge-storage.ts';
import { type OwnerCssY, verifyOwnerCssY } from '../../core/protocols/owner-css-y.ts';
import { recordedHeads } from '../../core/protocols/recorded-heads.ts';
import { accountOfKey } from '../../core/typed-data.ts';
import type { Verdict, VerdictKind } from '../../core/verdict.ts';
import { DEVICE_KEY, datasetKeyOf, type HonestStorage, headOf, recordedEvents, sealLog } from './honest-storage.ts';

export const SIGNER = accountOfKey(DEVICE_KEY);
export const EVIDENCES: readonly CssYEvidence[] = ['attested', 'possession'];
/** Blocks 0 … 9 in four batches; 3 … 6 have one size, and 2 has three chunks. */
export const SIZES = [[40, 40, 2500], [300, 300, 300, 300], [1], [1000, 7]];
export const ALL = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9];

/** How an audit of a storage is run and judged; each call is checked for what holds of every audit. */
export interface Audit {
  readonly log: readonly SealedBatch[];
  depsOf(storage: HonestStorage, batches?: readonly SealedBatch[]): OwnerCssY;
  /** The verdicts on these blocks: exactly one each. */
  verify(deps: OwnerCssY, evidence: CssYEvidence, blocks?: readonly number[]): Promise<Verdict[]>;
  /** The verdicts on everything: those of `changed`, and all others intact. */
  expect(
    storage: HonestStorage,
    evidence: CssYEvidence,
    changed: Record<number, VerdictKind>,
    batches?: readonly SealedBatch[],
  ): Promise<Verdict[]>;
}

export function auditOf(primitives: Primitives): Audit {
  const log = sealLog(primitives, SIZES);
  const depsOf = (storage: HonestStorage, batches: readonly SealedBatch[] = log): OwnerCssY => ({
    primitives,
    css: storage,
    heads: recordedHeads(headOf(primitives, batches), recordedEvents(primitives, batches)),
    datasetKeyOf,
    signerOf: () => SIGNER,
  });
  const verify = async (
    deps: OwnerCssY,
    evidence: CssYEvidence,
    blocks: readonly number[] = ALL,
  ): Promise<Verdict[]> => {
    const verdicts: Verdict[] = [];
    for await (const window of verifyOwnerCssY(deps, blocks, evidence)) verdicts.push(...window);
    const indices = verdicts.map(({ index }) => index).sort((a, b) => a - b);
    assert.deepEqual(
      indices,
      [...blocks].sort((a, b) => a - b),
      'exactly one verdict a block asked for',
    );
    for (const verdict of verdicts) {
      assert.equal(verdict.evidence, evidence);
      assert.equal(verdict.reason === null, verdict.verdict === 'intact');
      assert.equal(verdict.blame, verdict.verdict === 'misrecorded' ? 'writer' : null);
    }
    return verdicts;
  };
  const expect = async (
    storage: HonestStorage,
    evidence: CssYEvidence,
    changed: Record<number, VerdictKind>,
    batches: readonly SealedBatch[] = log,
  ): Promise<Verdict[]> => {
    const blocks = Array.from({ length: headOf(primitives, batches).size }, (_, i) => i);
    const verdicts = await verify(depsOf(storage, batches), evidence, blocks);
    assert.deepEqual(
      Object.fromEntries(verdicts.map(({ index, verdict }) => [index, verdict])),
      Object.fromEntries(blocks.map((index) => [index, changed[index] ?? 'intact'])),
    );
    return verdicts;
  };
  return { log, depsOf, verify, expect };
}

/** One verdict for all of these blocks. */
export function allAs(verdict: VerdictKind, blocks: readonly number[] = ALL): Record<number, VerdictKind> {
  return Object.fromEntries(blocks.map((index) => [index, verdict]));
}

/** The same bytes but for one bit. */
export function changeBit<T extends Uint8Array>(bytes: T): T {
  const changed = Uint8Array.from(bytes);
  changed[0]! ^= 1;
  return changed as T;
}
