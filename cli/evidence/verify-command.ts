import { createReadStream } from 'node:fs';
import { open, stat } from 'node:fs/promises';
import { basename } from 'node:path';
import type { Command } from 'commander';
import { nodePrimitives } from '../../adapters/crypto/node-primitives.ts';
import { type ComparedData, type EvidenceReport, reportEvidence } from '../../client/evidence/report-evidence.ts';
import { sayEvidence } from '../../client/evidence/say-evidence.ts';
import { utcText } from '../../client/utc-text.ts';
import { FileError } from '../../core/errors.ts';
import { checkData } from '../../core/evidence/check-data.ts';
import { type EvidenceFile, MAX_EVIDENCE_FILE_BYTES } from '../../core/evidence/evidence.ts';
import { parseEvidence } from '../../core/evidence/parse-evidence.ts';
import { type EvidenceFinding, type EvidenceStep, verifyEvidence } from '../../core/evidence/verify-evidence.ts';
import { withJson } from '../command-options.ts';
import { EXIT } from '../exit-codes.ts';
import { type Output, printable } from '../output.ts';
import { parseBlock } from '../parse-arguments.ts';
import { runCommand } from '../run-command.ts';

interface VerifyOptions {
  readonly explain?: boolean;
  readonly block?: number;
  readonly json?: boolean;
}

/** Adds `plumb verify`: evidence that somebody was given, without keys, stack or service. */
export function addVerify(verify: Command): void {
  const command = verify
    .argument('<evidence>', 'the file, *.evidence.json')
    .argument('[data...]', 'files to compare: the content, where the evidence opens it, or the stored bytes')
    .option('--explain', 'show every step with its values')
    .option('--block <number>', 'with --explain, the block whose values are shown', parseBlock)
    .addHelpText('after', EXAMPLES);
  withJson(command).action((path: string, data: string[], options: VerifyOptions) =>
    runCommand(options, async ({ output, signal }) => {
      const evidence = await readEvidence(path);
      const finding = verifyEvidence(nodePrimitives, evidence, options.block);
      const compared = finding.holds ? await compareAll(evidence, finding, data, output, signal) : [];
      const report = reportEvidence(evidence, finding, compared, null);
      const steps = options.explain === true ? finding.steps : [];
      output.result(options.explain === true ? { ...report, steps } : report, textOf(output, report, steps));
      return report.verdict === 'intact' ? EXIT.ok : EXIT.notIntact;
    }),
  );
}

const EXAMPLES = `
Offline, the evidence shows that the owner's device has signed these very bytes; what rests on the chain is printed, so that
anyone can look it up.

Examples:
  plumb verify door.evidence.json                    what it says, and that it holds by itself
  plumb verify door.evidence.json door.log           that the file is what was recorded
  plumb verify door.evidence.json door.log --explain every step from the bytes to the chain
Exit codes: 0 all of it holds, 1 it does not or data differ, 2 wrong arguments or no evidence, 3 the chain does not answer.`;

async function readEvidence(path: string): Promise<EvidenceFile> {
  const bytes = await readBounded(path);
  try {
    return parseEvidence(bytes);
  } catch (cause) {
    if (cause instanceof Error && 'shortMessage' in cause) {
      throw new FileError(`${path} is not evidence as this program reads it. ${cause.shortMessage}`, { cause });
    }
    throw cause;
  }
}

/** A whole file, that is not read where it is larger than evidence can be. */
async function readBounded(path: string): Promise<Uint8Array> {
  const size = await sizeOf(path);
  if (size > MAX_EVIDENCE_FILE_BYTES) {
    throw new FileError(`${path} has ${size} bytes; evidence has at most ${MAX_EVIDENCE_FILE_BYTES}. Is it the data?`);
  }
  const file = await open(path);
  try {
    return await file.readFile();
  } finally {
    await file.close();
  }
}

async function sizeOf(path: string): Promise<number> {
  try {
    const found = await stat(path);
    if (!found.isFile()) throw new FileError(`${path} is not a file.`);
    return found.size;
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (code === undefined) throw cause;
    throw new FileError(code === 'ENOENT' ? `There is no file ${path}.` : `${path} cannot be read (${code}).`, {
      cause,
    });
  }
}

async function compareAll(
  evidence: EvidenceFile,
  finding: EvidenceFinding,
  paths: readonly string[],
  output: Output,
  signal: AbortSignal,
): Promise<ComparedData[]> {
  const compared: ComparedData[] = [];
  for (const path of paths) {
    output.progress(`Comparing ${path} …`);
    const sizeBytes = await sizeOf(path);
    const read = () => createReadStream(path, { signal, highWaterMark: 2 ** 20 });
    const found = await checkData(nodePrimitives, evidence, finding, sizeBytes, read);
    compared.push({ name: basename(path), sizeBytes, finding: found });
  }
  return compared;
}

function textOf(output: Output, report: EvidenceReport, steps: readonly EvidenceStep[]): string {
  const said = printable(sayEvidence(report));
  return [
    output.style(report.verdict === 'intact' ? 'green' : 'red', said),
    ...steps.flatMap((step) => stepLines(step)),
    ...(report.restsOn.length === 0 ? [] : ['', 'Rests on the chain:']),
    ...report.restsOn.map(({ says, holds, restsOn, reason }) => {
      const state =
        holds === null
          ? reason === null
            ? 'not asked'
            : `not answered: ${reason}`
          : holds
            ? `holds, by ${restsOn}`
            : `does not hold: ${reason}`;
      return printable(`  ${says} [${state}]`);
    }),
  ].join('\n');
}

function stepLines({ title, paper, values, reason }: EvidenceStep): string[] {
  const of = paper === null ? '' : ` (Table III, step ${paper})`;
  return [
    `\n${reason === null ? 'holds' : 'FAILS'}  ${title}${of}`,
    ...(reason === null ? [] : [printable(`       ${reason}`)]),
    ...Object.entries(values).flatMap(([name, value]) =>
      value === null ? [] : [printable(`       ${name.padEnd(12)} ${valueText(name, value)}`)],
    ),
  ];
}

const SECONDS = new Set(['timeSeconds']);
const MILLISECONDS = new Set(['at', 'to']);

function valueText(name: string, value: string | number): string {
  if (typeof value !== 'number') return value;
  if (SECONDS.has(name)) return `${value} (${utcText(1000 * value)})`;
  return MILLISECONDS.has(name) ? `${value} (${utcText(value)})` : String(value);
}
