import { portablePrimitives } from '../../adapters/crypto/portable-primitives.ts';
import { type ComparedData, type EvidenceReport, reportEvidence } from '../../client/evidence/report-evidence.ts';
import { DISSC_ADDRESS } from '../../core/dissc-address.ts';
import { checkData } from '../../core/evidence/check-data.ts';
import { EvidenceError, type EvidenceFile, MAX_EVIDENCE_FILE_BYTES } from '../../core/evidence/evidence.ts';
import { parseEvidence } from '../../core/evidence/parse-evidence.ts';
import { type EvidenceFinding, type EvidenceStep, verifyEvidence } from '../../core/evidence/verify-evidence.ts';
import type { BlockIndex } from '../../core/ids.ts';

/** Evidence that was read and checked, and what came of the files beside it. */
export interface CheckedFiles {
  readonly evidence: EvidenceFile;
  readonly finding: EvidenceFinding;
  readonly report: EvidenceReport;
}

/** No other contract counts on this page. */
const TRUST = { dissc: DISSC_ADDRESS };

/** Told while a file is read: how many bytes of how many. */
export type OnProgress = (name: string, doneBytes: number, sizeBytes: number) => void;

/**
 * Checks evidence, and compares files with it, in constant memory whatever their size.
 * @throws EvidenceError naming the field where a file is not evidence
 * @throws DOMException `AbortError` when the signal ends it, `NotReadableError` when a file changes meanwhile
 */
export async function checkFiles(
  file: File,
  data: readonly File[],
  onProgress: OnProgress,
  signal: AbortSignal,
): Promise<CheckedFiles> {
  if (file.size > MAX_EVIDENCE_FILE_BYTES) {
    const text = `The file has ${file.size} bytes; evidence has at most ${MAX_EVIDENCE_FILE_BYTES}. Did you choose the data in place of the evidence?`;
    throw new EvidenceError(text, 'its size');
  }
  const evidence = parseEvidence(new Uint8Array(await file.arrayBuffer()));
  signal.throwIfAborted();
  const finding = verifyEvidence(portablePrimitives, evidence, TRUST);
  const compared: ComparedData[] = [];
  for (const one of finding.holds ? data : []) {
    const read = () => readPieces(one, (done) => onProgress(one.name, done, one.size), signal);
    const found = await checkData(portablePrimitives, evidence, finding, one.size, read);
    compared.push({ name: one.name, sizeBytes: one.size, finding: found });
  }
  return { evidence, finding, report: reportEvidence(evidence, finding, compared, null) };
}

/** The same steps with the values of another block. */
export function stepsOf({ evidence }: CheckedFiles, block: BlockIndex): readonly EvidenceStep[] {
  return verifyEvidence(portablePrimitives, evidence, TRUST, block).steps;
}

async function* readPieces(
  file: File,
  onRead: (doneBytes: number) => void,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  const reader = file.stream().getReader();
  try {
    for (let done = 0; ; ) {
      const { value } = await reader.read();
      signal.throwIfAborted();
      if (value === undefined) return;
      done += value.length;
      onRead(done);
      yield value;
    }
  } finally {
    await reader.cancel();
  }
}
