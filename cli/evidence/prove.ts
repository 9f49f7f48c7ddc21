import { rm, writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { type Command, Option } from 'commander';
import { nodePrimitives } from '../../adapters/crypto/node-primitives.ts';
import { createChainBlocks } from '../../adapters/ethereum/chain-blocks.ts';
import { downloadPresigned } from '../../adapters/service/download-presigned.ts';
import type { WantedBlocks } from '../../client/evidence/choose-blocks.ts';
import { type EvidenceDeps, makeEvidence } from '../../client/evidence/make-evidence.ts';
import { type EvidenceReport, reportEvidence } from '../../client/evidence/report-evidence.ts';
import { sayEvidence } from '../../client/evidence/say-evidence.ts';
import { sourceOfBucket, sourceOfService } from '../../client/owner/block-source.ts';
import { FOREVER } from '../../client/owner/find-times.ts';
import { printable } from '../../client/printable.ts';
import type { RequestAccount } from '../../client/service/call-service.ts';
import { DISSC_ADDRESS } from '../../core/dissc-address.ts';
import { ArgumentError, FileError } from '../../core/errors.ts';
import type { EvidenceFile } from '../../core/evidence/evidence.ts';
import { type TimestampFinding, timestampMessage } from '../../core/evidence/timestamp.ts';
import { verifyEvidence } from '../../core/evidence/verify-evidence.ts';
import type { DatasetId } from '../../core/ids.ts';
import { type Connection, openBucket, openLedger, openService } from '../../library/connection.ts';
import type { DatasetEntry } from '../../library/dataset-list.ts';
import { openRounds } from '../../library/open-rounds.ts';
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

/** Who makes it. */
export interface Prover extends Pick<EvidenceDeps, 'keys' | 'charters' | 'signCharter'> {
  readonly dataset: DatasetId;
  /** In whose name the service is asked. */
  readonly account: RequestAccount;
  /** Datasets with their charters, as far as they are known. */
  readonly entries: readonly Pick<DatasetEntry, 'dataset' | 'charters'>[];
  readonly logKeyOf: LogKeyOf;
}

/** Makes evidence, writes it, and says what it says. */
export async function prove(
  context: CommandContext,
  connection: Connection,
  prover: Prover,
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
  { dataset, account, entries, logKeyOf, ...prover }: Prover,
  options: Pick<ProveOptions, 'out' | 'open' | 'withBytes' | 'metas' | 'via' | 'anchor' | 'format' | 'timestamp'>,
  blocks: WantedBlocks,
): Promise<{
  readonly out: string;
  readonly written: WrittenForm;
  readonly report: EvidenceReport;
  readonly evidence: EvidenceFile;
}> {
  requireForm(options.format, logKeyOf, countOf(blocks));
  const isFromBucket = options.via === 's3';
  const service = await openService(connection, account, options.via === 'lambda' ? 'lambda' : 'http');
  const bucket = isFromBucket ? await openBucket(connection) : null;
  if (isFromBucket && bucket === null) {
    throw new FileError('No bucket is configured. Add s3 {bucket, region} to connection.json.');
  }
  try {
    const primitives = nodePrimitives;
    const openSource =
      bucket === null
        ? sourceOfService({ primitives, service, download: downloadPresigned }, dataset)
        : sourceOfBucket({ primitives, bucket });
    const deps = {
      ...{ primitives, ledger: openLedger(connection), openSource, ...prover },
      // What leads to a round only the service keeps.
      rounds: openRounds(home, connection, service, entries),
      chainBlocks: createChainBlocks(connection),
    };
    const show = { metas: options.metas, content: options.open === true, bytes: options.withBytes === true };
    const wanted = { dataset, anchor: options.anchor, fromBlock: connection.fromBlock, blocks, show };
    const onProgress = (done: number, all: number, doing: 'search' | 'open'): void =>
      output.progress(progressBar(done, all, doing === 'search' ? 'blocks searched for the file' : 'blocks'));
    const made = await makeEvidence(deps, wanted, onProgress, signal);
    const { evidence, stamped } = await withTimestamp(made, options.timestamp, output, signal);
    const written = encodeForm(evidence, options.format, logKeyOf);
    const out = resolve(options.out);
    await writeNew(out, written.file, signal);
    const report = reportEvidence(evidence, verifyEvidence(primitives, evidence, evidence.domain), [], null, stamped);
    return { out, written, report, evidence };
  } finally {
    bucket?.close();
  }
}

/** The head is stamped: whatever blocks are shown, they stand in it. */
async function withTimestamp(
  evidence: EvidenceFile,
  url: string | undefined,
  output: Output,
  signal: AbortSignal,
): Promise<{ readonly evidence: EvidenceFile; readonly stamped: TimestampFinding | undefined }> {
  if (url === undefined) return { evidence, stamped: undefined };
  output.progress('Asking the time-stamping authority …');
  // Loaded by those alone who ask for it: reading certificates takes a library of its own.
  const { requestToken } = await import('../../adapters/timestamp/request-token.ts');
  const { token, finding } = await requestToken(url, timestampMessage(nodePrimitives, evidence.head), signal);
  return { evidence: { ...evidence, timestamp: token }, stamped: finding };
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
