import { portablePrimitives } from '../../adapters/crypto/portable-primitives.ts';
import type { AuditReport, OnVerdicts } from '../../client/audit-blocks.ts';
import { damagedRanges } from '../../client/damaged-ranges.ts';
import { verifyDataset } from '../../client/owner/verify-dataset.ts';
import { verifyRetrievable } from '../../client/owner/verify-retrievable.ts';
import { FileError } from '../../core/errors.ts';
import { datasetId } from '../../core/ids.ts';
import type { Verdict } from '../../core/verdict.ts';
import type { Questions, VerifyProgress, VerifyResult } from '../engine/questions.ts';
import { stateOf } from '../engine/state-of-verdict.ts';
import type { Engine } from './open-engine.ts';
import type { ReaderKeys } from './reader-keys.ts';
import { sayPlainly } from './say-plainly.ts';

/** More damaged ranges than these are counted, and not listed. */
const MOST_RANGES = 1_000;

/**
 * Protocol I over blocks of a dataset, or Protocol II where they are to be retrieved, or where an auditor asks: what the command
 * does, by the same code.
 */
export async function verifyBlocks(
  engine: Engine,
  keys: ReaderKeys,
  wanted: Questions['verify']['ask'],
  tell: (progress: VerifyProgress) => void,
  signal: AbortSignal,
): Promise<VerifyResult> {
  const { ledger, file } = engine;
  const dataset = datasetId(wanted.dataset);
  const service = engine.serviceOf(keys);
  const audit = {
    dataset,
    datasetKeyOf: keys.datasetKeyOf(dataset),
    anchor: 'final' as const,
    fromBlock: file.fromBlock,
    ...(wanted.range === null ? {} : { range: wanted.range }),
    ...(wanted.sample === null ? {} : { sample: wanted.sample }),
  };
  const onVerdicts: OnVerdicts = (verdicts, checked, all) => tell(progressOf(verdicts, checked, all));
  const deps = { primitives: portablePrimitives, ledger, rounds: engine.roundsOf(keys) };
  if (keys.auditKeyOf !== null) {
    const bucket = engine.bucketOf(keys);
    if (bucket === null) {
      throw new FileError(
        'An auditor reads the bucket itself. Sign in again, and choose the stack.json that names its keys besides the auditor file.',
      );
    }
    const scope = { ...audit, auditKeyOf: keys.auditKeyOf(dataset) };
    return resultOf(
      await verifyRetrievable({ ...deps, records: service }, { from: 's3', bucket }, scope, onVerdicts, signal),
    );
  }
  if (wanted.evidence === 'possession') {
    const scope = { ...audit, evidence: 'possession' as const };
    return resultOf(await verifyDataset({ ...deps, css: service }, scope, onVerdicts, signal));
  }
  const source = { from: 'get-block' as const, css: service };
  return resultOf(await verifyRetrievable({ ...deps, records: service }, source, audit, onVerdicts, signal));
}

export function progressOf(verdicts: readonly Verdict[], checked: number, wanted: number): VerifyProgress {
  const blocks = Uint32Array.from(verdicts, ({ index }) => index);
  return { checked, wanted, blocks, states: Uint8Array.from(verdicts, stateOf) };
}

function resultOf(report: AuditReport): VerifyResult {
  const { anchor, counts, growth, round } = report;
  const { blockNumber, timestampMs } = anchor.point;
  return {
    ...{ ok: report.ok, checked: report.checked, total: report.total, intact: counts.intact, counts },
    ...{ evidence: report.evidence, proves: report.proves, assurance: report.assurance.words },
    chain: { blockNumber, timestampMs, root: anchor.root },
    recorded: report.recordedSize,
    anchored: round?.size ?? null,
    faults: growth.faults.map(({ reason }) => sayPlainly(reason)),
    damaged: damagedRanges(report.notIntact)
      .slice(0, MOST_RANGES)
      .map(({ from, to, verdict, reason, signer, blame }) => {
        return { from, to, verdict, reason: sayPlainly(reason), signer, blame };
      }),
    disowned: report.disowned.map(({ from, to }) => ({ from, to })),
    endedAtMs: Date.now(),
  };
}
