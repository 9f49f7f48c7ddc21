import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { basename } from 'node:path';
import { type Command, Option } from 'commander';
import { nodePrimitives } from '../../adapters/crypto/node-primitives.ts';
import { createDisscWitness } from '../../adapters/ethereum/dissc-witness.ts';
import type { CheckedTimestamp } from '../../adapters/timestamp/check-timestamp.ts';
import { type ComparedData, type EvidenceReport, reportEvidence } from '../../client/evidence/report-evidence.ts';
import { sayEvidence } from '../../client/evidence/say-evidence.ts';
import { sayDisagreement, sayDissent, sayFact } from '../../client/evidence/say-fact.ts';
import { sayStepValue } from '../../client/evidence/say-step-value.ts';
import { witnessEvidence } from '../../client/evidence/witness-evidence.ts';
import { printable } from '../../client/printable.ts';
import { DISSC_ADDRESS } from '../../core/dissc-address.ts';
import { ArgumentError, FileError } from '../../core/errors.ts';
import { checkData, type ReadData } from '../../core/evidence/check-data.ts';
import { type EvidenceFile, MAX_EVIDENCE_FILE_BYTES } from '../../core/evidence/evidence.ts';
import { parseEvidence } from '../../core/evidence/parse-evidence.ts';
import { type EvidenceFinding, type EvidenceStep, verifyEvidence } from '../../core/evidence/verify-evidence.ts';
import type { Address } from '../../core/ids.ts';
import { inFile } from '../../core/parse-outside.ts';
import type { ChainWitness, Dissent } from '../../core/ports/chain-witness.ts';
import { withJson } from '../command-options.ts';
import { EXIT } from '../exit-codes.ts';
import type { Output } from '../output.ts';
import { parseAddress, parseBlock, parseCount } from '../parse-arguments.ts';
import { readBoundedFile, readBoundedText, unreadable } from '../read-bounded-file.ts';
import { runCommand } from '../run-command.ts';

interface VerifyOptions {
  readonly explain?: boolean;
  readonly block?: number;
  readonly dissc?: Address;
  readonly rpc?: string[];
  readonly agree?: number;
  readonly anchor: 'final' | 'latest';
  readonly finalDepth?: number;
  readonly tsaRoots?: string;
  readonly json?: boolean;
}

/** Adds `plumb verify`: evidence that somebody was given, without keys, stack or service. */
export function addVerify(verify: Command): void {
  const command = verify
    .argument('<evidence>', 'the file, *.evidence.json')
    .argument('[data...]', 'files to compare: the content, if the evidence holds its keys, or the stored bytes')
    .option('--explain', 'show every step with its values')
    .option('--block <number>', 'with --explain: show the values of this block', parseBlock)
    .option(
      '--dissc <address>',
      'the contract to rely on in place of DISSC; whoever deployed it decides what it recorded',
      parseAddress,
    )
    .option(
      '--rpc <url>',
      'also ask this node of the chain (default: PLUMB_RPC_URL); give several to compare them',
      collect,
    )
    .option('--agree <n>', 'how many nodes must agree (default: all of them)', parseCount)
    .addOption(new Option('--anchor <block>', 'chain state to ask for').choices(['final', 'latest']).default('final'))
    .option(
      '--final-depth <blocks>',
      'for chains whose nodes do not report a final block: how many blocks below the newest one is final',
      parseCount,
    )
    .option(
      '--tsa-roots <file>',
      'certificates (PEM) of the time-stamping authorities that you trust, for evidence with a time-stamp',
    )
    .addHelpText('after', EXAMPLES);
  withJson(command).action((path: string, data: string[], options: VerifyOptions) =>
    runCommand(options, async ({ output, signal }) => {
      const evidence = await readEvidence(path);
      const held = verifyEvidence(nodePrimitives, evidence, { dissc: options.dissc ?? DISSC_ADDRESS }, options.block);
      const { finding, timestamp } = await checkStamp(evidence, held, options.tsaRoots);
      const compared = finding.holds ? await compareAll(evidence, finding, data, output, signal) : [];
      const chain = finding.holds ? openWitness(evidence, options) : null;
      if (chain !== null) output.progress(`Asking ${chain.hosts.join(', ')} …`);
      const facts = chain === null ? null : await witnessEvidence(nodePrimitives, evidence, finding, chain, signal);
      const report = {
        ...reportEvidence(evidence, finding, compared, facts, timestamp),
        dissent: chain?.dissent ?? [],
      };
      const steps = options.explain === true ? finding.steps : [];
      output.result(options.explain === true ? { ...report, steps } : report, textOf(output, report, steps));
      return exitCode(report);
    }),
  );
}

/** A library that reads certificates is loaded for evidence alone that brings a token along. */
async function checkStamp(
  evidence: EvidenceFile,
  finding: EvidenceFinding,
  rootsFile: string | undefined,
): Promise<Pick<CheckedTimestamp, 'finding' | 'timestamp'>> {
  if (evidence.timestamp === null) {
    if (rootsFile === undefined) return { finding, timestamp: undefined };
    throw new ArgumentError('The evidence contains no time-stamp. Leave out --tsa-roots.');
  }
  const [{ checkTimestamp }, { parseRoots }] = await Promise.all([
    import('../../adapters/timestamp/check-timestamp.ts'),
    import('../../adapters/timestamp/parse-roots.ts'),
  ]);
  const text = rootsFile === undefined ? null : await readBoundedText(rootsFile, ROOTS_BOUND);
  const roots = text === null ? null : inFile(rootsFile ?? '', () => parseRoots(text));
  return checkTimestamp(nodePrimitives, evidence, finding, roots);
}

/** Null: no chain is asked. */
function openWitness({ domain }: EvidenceFile, { rpc, agree, anchor, finalDepth }: VerifyOptions): ChainWitness | null {
  // A hosted node's URL is a secret, and arguments can be read by others.
  const { PLUMB_RPC_URL } = process.env;
  const rpcUrls = rpc ?? (PLUMB_RPC_URL === undefined || PLUMB_RPC_URL === '' ? [] : [PLUMB_RPC_URL]);
  if (rpcUrls.length === 0) {
    if (agree !== undefined) throw new ArgumentError('--agree needs nodes to compare. Name them: --rpc URL --rpc URL');
    return null;
  }
  const { chainId, dissc } = domain;
  return createDisscWitness({ rpcUrls, agree: agree ?? rpcUrls.length, chainId, dissc, anchor, finalDepth });
}

function exitCode({ verdict, timestamp }: EvidenceReport): number {
  if (verdict === 'intact') return EXIT.ok;
  if (timestamp?.holds === false) return EXIT.notIntact;
  return verdict === 'unconfirmed' ? EXIT.unavailable : EXIT.notIntact;
}

function collect(url: string, before: string[] = []): string[] {
  return [...before, url];
}

const EXAMPLES = `
Offline, the evidence shows that the owner's device signed exactly these bytes. The command prints what rests on the chain, so
that anyone can look it up.

Evidence that rests on another contract proves nothing, because that contract may have recorded anything. DISSC's address follows
from its code and is the same on every chain. Name another contract with --dissc only if you know its code.

With --rpc the command asks the chain, but takes no node's word: it proves DISSC's storage and logs against a block header whose
hash it computes itself. Only that this is the chain's block needs --agree nodes to agree; nodes that disagree are named.

A time-stamp (RFC 3161) in the evidence is an authority's word on when the log had this head, in addition to the chain's. The command
always checks its signature. To check that it comes from an authority that you trust, give that authority's root certificates with
--tsa-roots. The command does not ask whether a certificate was revoked.

Examples:
  plumb verify door.evidence.json                    what it says, and that it is consistent
  plumb verify door.evidence.json door.log           that the file is the recorded one
  plumb verify door.evidence.json door.log --explain every step from the bytes to the chain
  plumb verify door.evidence.json door.log --tsa-roots roots.pem
                                                     and that an authority that you trust has time-stamped it
  plumb verify door.evidence.json door.log --rpc https://a.example --rpc https://b.example --rpc https://c.example --agree 2
Exit codes: 0 everything holds, 1 something does not, or the data differ, 2 wrong arguments or no evidence, 3 the chain does not answer.`;

const ROOTS_BOUND = { maxBytes: 4 * 2 ** 20, ifLarger: 'Check that it is a file of certificates.' };
const EVIDENCE_BOUND = {
  maxBytes: MAX_EVIDENCE_FILE_BYTES,
  ifLarger: 'Did you name the data in place of the evidence?',
};

const MAX_KEPT_BYTES = 2 ** 20;
const KEPT_BOUND = { maxBytes: MAX_KEPT_BYTES, ifLarger: 'It has grown while it was compared. Try again.' };

async function readEvidence(path: string): Promise<EvidenceFile> {
  const bytes = await readBoundedFile(path, EVIDENCE_BOUND);
  try {
    return parseEvidence(bytes);
  } catch (cause) {
    if (cause instanceof Error && 'shortMessage' in cause) {
      throw new FileError(`${path} is not evidence that this program can read. ${cause.shortMessage}`, { cause });
    }
    throw cause;
  }
}

async function sizeOf(path: string): Promise<number> {
  const found = await stat(path).catch((cause) => {
    throw unreadable(path, cause);
  });
  if (!found.isFile()) throw new FileError(`${path} is not a plain file.`);
  return found.size;
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
    const { sizeBytes, read } = await openData(path, signal);
    const found = await checkData(nodePrimitives, evidence, finding, sizeBytes, read);
    compared.push({ name: basename(path), sizeBytes, finding: found });
  }
  return compared;
}

/**
 * A file to compare. It is read once for each thing of its size that the evidence proves, which may be a hundred thousand lines: a
 * small one is kept.
 */
async function openData(path: string, signal: AbortSignal): Promise<{ sizeBytes: number; read: ReadData }> {
  const sizeBytes = await sizeOf(path);
  if (sizeBytes > MAX_KEPT_BYTES) return { sizeBytes, read: () => readPieces(path, signal) };
  const kept = await readBoundedFile(path, KEPT_BOUND);
  return {
    sizeBytes: kept.length,
    async *read() {
      yield kept;
    },
  };
}

async function* readPieces(path: string, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  try {
    for await (const piece of createReadStream(path, { signal, highWaterMark: 2 ** 20 })) yield piece as Uint8Array;
  } catch (cause) {
    signal.throwIfAborted();
    throw unreadable(path, cause);
  }
}

function textOf(
  output: Output,
  report: EvidenceReport & { readonly dissent: readonly Dissent[] },
  steps: readonly EvidenceStep[],
): string {
  const said = printable(`${sayEvidence(report)}${sayDisagreement(report.dissent)}`);
  const tone = report.verdict !== 'intact' ? 'red' : report.dissent.length > 0 ? 'yellow' : 'green';
  return [
    output.style(tone, said),
    ...steps.flatMap((step) => stepLines(step)),
    ...(report.restsOn.length === 0 ? [] : ['', restHeading(report)]),
    ...report.restsOn.map((fact) => printable(`  ${sayFact(fact)}`)),
    ...report.dissent.map((one) => output.style('yellow', printable(`  ${sayDissent(one)}`))),
  ].join('\n');
}

function restHeading({ restsOn }: EvidenceReport): string {
  return restsOn.every(({ holds }) => holds === null)
    ? 'These rest on the chain. Ask it with --rpc URL, or look them up:'
    : 'These rest on the chain:';
}

function stepLines({ title, paper, values, reason }: EvidenceStep): string[] {
  const of = paper === null ? '' : ` (Table III, step ${paper})`;
  return [
    `\n${reason === null ? 'holds' : 'FAILS'}  ${title}${of}`,
    ...(reason === null ? [] : [printable(`       ${reason}`)]),
    ...Object.entries(values).flatMap(([name, value]) =>
      value === null ? [] : [printable(`       ${name.padEnd(12)} ${sayStepValue(name, value)}`)],
    ),
  ];
}
