import { rm, writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { type Command, Option } from 'commander';
import { nodePrimitives } from '../../adapters/crypto/node-primitives.ts';
import type { WantedBlocks } from '../../client/evidence/choose-blocks.ts';
import { type EvidenceReport, reportEvidence } from '../../client/evidence/report-evidence.ts';
import { sayEvidence } from '../../client/evidence/say-evidence.ts';
import { FOREVER } from '../../client/owner/find-times.ts';
import { printable } from '../../client/printable.ts';
import { DISSC_ADDRESS } from '../../core/dissc-address.ts';
import { ArgumentError, FileError } from '../../core/errors.ts';
import type { EvidenceFile } from '../../core/evidence/evidence.ts';
import type { TimestampFinding } from '../../core/evidence/timestamp.ts';
import { verifyEvidence } from '../../core/evidence/verify-evidence.ts';
import type { Connection } from '../../library/connection.ts';
import { type Prover, proveBlocks, stampEvidence } from '../../library/prove-blocks.ts';
import { type Output, progressBar } from '../output.ts';
import { parseRanges } from '../parse-arguments.ts';
import { parseTime } from '../parse-time.ts';
import type { CommandContext } from '../run-command.ts';
import {
  type EvidenceForm,
  encodeForm,
  FORMS,
  formText,
  type LogKeyOf,
  requireForm,
  type WrittenForm,
} from './evidence-form.ts';

export interface ProveOptions {
  readonly blocks?: { from: number; to: number }[];
  readonly file?: string;
  readonly from?: number;
  readonly to?: number;
  readonly out: string;
  readonly open?: boolean;
  readonly withBytes?: boolean;
  readonly metas: boolean;
  readonly via: 'http' | 'lambda' | 's3';
  readonly anchor: 'final' | 'latest';
  readonly format: EvidenceForm;
  readonly timestamp?: string;
  readonly json?: boolean;
}

/** Which blocks, and where to write; for whoever may make evidence. */
export function withProveOptions(command: Command): Command {
  return command
    .option('--blocks <ranges>', 'these blocks, e.g. 0-999,1005', parseRanges)
    .option('--file <name>', 'the newest version of the file recorded under this name')
    .option(
      '--from <time>',
      'everything captured at or after this time, with its zone: 2026-11-22T10:00:00Z',
      parseTime,
    )
    .option('--to <time>', 'everything captured at or before this time', parseTime)
    .requiredOption('--out <file>', 'where to write it, *.evidence.json; never overwrites a file')
    .option('--with-bytes', 'include the stored bytes, at most 64 MiB')
    .option('--no-metas', 'leave out names and times of the blocks')
    .option(
      '--timestamp <url>',
      'include a time-stamp of the log from this authority (RFC 3161), which learns only a hash',
    )
    .addOption(
      new Option(
        '--format <form>',
        'evidence, or for one block a format that other programs read: tlog-proof (C2SP), cose (RFC 9942)',
      )
        .choices(FORMS)
        .default('evidence'),
    )
    .addOption(
      new Option('--anchor <block>', 'chain state to prove against').choices(['final', 'latest']).default('final'),
    );
}

/** Who makes it, and may sign it in the forms of others. */
export interface FormProver extends Prover {
  readonly logKeyOf: LogKeyOf;
}

/** Makes evidence, writes it, and says what it says. */
export async function prove(
  context: CommandContext,
  connection: Connection,
  prover: FormProver,
  options: ProveOptions,
): Promise<void> {
  const { out, written, report, evidence } = await writeEvidence(
    context,
    connection,
    prover,
    options,
    wantedBlocks(options),
  );
  context.output.result(
    { out, format: options.format, fileBytes: written.file.length, ...written.key, ...report },
    [
      `${out}, ${written.file.length.toLocaleString('en')} bytes.`,
      printable(sayEvidence(report)),
      secretsText(options),
      ...formText(options.format, written),
      ...contractNotice(evidence),
    ].join('\n'),
  );
}

/** Makes evidence and writes it. */
export async function writeEvidence(
  { home, output, signal }: CommandContext,
  connection: Connection,
  { logKeyOf, ...prover }: FormProver,
  options: Pick<ProveOptions, 'out' | 'open' | 'withBytes' | 'metas' | 'via' | 'anchor' | 'format' | 'timestamp'>,
  blocks: WantedBlocks,
): Promise<{
  readonly out: string;
  readonly written: WrittenForm;
  readonly report: EvidenceReport;
  readonly evidence: EvidenceFile;
}> {
  requireForm(options.format, logKeyOf, countOf(blocks));
  const wanted = {
    ...{ anchor: options.anchor, blocks },
    show: { metas: options.metas, content: options.open === true, bytes: options.withBytes === true },
  };
  const onProgress = (done: number, all: number, doing: 'search' | 'open'): void =>
    output.progress(progressBar(done, all, doing === 'search' ? 'blocks searched for the file' : 'blocks'));
  const made = await proveBlocks({ home, connection, via: options.via }, prover, wanted, onProgress, signal);
  const { evidence, stamped } = await withTimestamp(made, options.timestamp, output, signal);
  const written = encodeForm(evidence, options.format, logKeyOf);
  const out = resolve(options.out);
  await writeNew(out, written.file, signal);
  const finding = verifyEvidence(nodePrimitives, evidence, evidence.domain);
  return { out, written, report: reportEvidence(evidence, finding, [], null, stamped), evidence };
}

async function withTimestamp(
  evidence: EvidenceFile,
  url: string | undefined,
  output: Output,
  signal: AbortSignal,
): Promise<{ readonly evidence: EvidenceFile; readonly stamped: TimestampFinding | undefined }> {
  if (url === undefined) return { evidence, stamped: undefined };
  output.progress('Asking the time-stamping authority …');
  return stampEvidence(evidence, url, signal);
}

/** @throws ArgumentError when not exactly one of the ways to name blocks is given */
export function wantedBlocks({ blocks, file, from, to }: ProveOptions): WantedBlocks {
  const ways = [blocks !== undefined, file !== undefined, from !== undefined || to !== undefined].filter(Boolean);
  if (ways.length !== 1) throw new ArgumentError('Give one of --blocks, --file, or --from and --to.');
  if (blocks !== undefined) return { by: 'block', blocks };
  if (file !== undefined) return { by: 'file', name: file };
  const [begin, end] = [from ?? 0, to ?? FOREVER];
  if (begin > end) throw new ArgumentError('--from is after --to.');
  return { by: 'time', from: begin, to: end };
}

/** As far as it is known before anybody was asked. */
function countOf(wanted: WantedBlocks): number | null {
  return wanted.by === 'block' ? wanted.blocks.reduce((sum, { from, to }) => sum + to - from + 1, 0) : null;
}

async function writeNew(path: string, file: Uint8Array, signal: AbortSignal): Promise<void> {
  try {
    await writeFile(path, file, { flag: 'wx', signal });
  } catch (cause) {
    // What is half written is nobody's evidence.
    if (signal.aborted) await rm(path, { force: true });
    const { code } = cause as NodeJS.ErrnoException;
    if (code === 'EEXIST')
      throw new FileError(`${path} exists already, and evidence is never overwritten. Give another --out.`, { cause });
    if (code === 'ENOENT') throw new FileError(`The folder of ${path} does not exist. Make it first.`, { cause });
    throw cause;
  }
}

function contractNotice({ domain: { dissc } }: EvidenceFile): string[] {
  if (dissc === DISSC_ADDRESS) return [];
  return [
    `It rests on the contract ${dissc}, not on DISSC at ${DISSC_ADDRESS}. It convinces only readers who trust that contract and name it: plumb verify --dissc ${dissc}.`,
  ];
}

function secretsText({ open }: ProveOptions): string {
  return open === true
    ? 'It contains content keys. Whoever has it and the stored bytes can read these blocks.'
    : 'It contains no content keys.';
}
