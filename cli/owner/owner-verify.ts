import { type Command, Option } from 'commander';
import { nodePrimitives } from '../../adapters/crypto/node-primitives.ts';
import { downloadPresigned } from '../../adapters/service/download-presigned.ts';
import type { AuditReport, OnVerdicts } from '../../client/audit-blocks.ts';
import { damagedRanges } from '../../client/damaged-ranges.ts';
import { sourceOfBucket, sourceOfService } from '../../client/owner/block-source.ts';
import { locateDamage } from '../../client/owner/locate-damage.ts';
import { publishedRecords } from '../../client/owner/published-records.ts';
import type { OpenRecords } from '../../client/owner/verify-dataset.ts';
import type { RetrievalAudit } from '../../client/owner/verify-retrievable.ts';
import { readAnchor } from '../../client/read-anchor.ts';
import { ArgumentError } from '../../core/errors.ts';
import { DEFAULT_SAMPLE, sampleSize } from '../../core/sampling/confidence.ts';
import type { Evidence, Verdict } from '../../core/verdict.ts';
import { openBucket, openLedger, openService, readConnection } from '../../library/connection.ts';
import { findDataset, readDatasets } from '../../library/dataset-list.ts';
import { openRounds } from '../../library/open-rounds.ts';
import { datasetKeyOf } from '../../library/opened-owner.ts';
import { type VerifyParts, verifyStored } from '../../library/verify-stored.ts';
import { type VerifyWay, wantedWay } from '../../library/verify-way.ts';
import { withKeystoreOptions } from '../command-options.ts';
import { damageText, type LocatedRange, MOST_RANGES } from '../damage-text.ts';
import { growthLines, keepContradictions, standingLines } from '../growth-text.ts';
import { listSome } from '../list-some.ts';
import { type Output, progressBar } from '../output.ts';
import { parseCount, parseFraction, parseRange } from '../parse-arguments.ts';
import { type CommandContext, runCommand } from '../run-command.ts';
import { watchAnswers } from '../watch-answers.ts';
import { blocksText } from '../where-text.ts';
import { disownedText } from './get-text.ts';
import { openOwner } from './owner-home.ts';

interface VerifyOptions {
  readonly protocol: 'I' | 'II';
  readonly from?: 's3' | 'get-block' | 'ipfs';
  readonly evidence?: Evidence;
  readonly ipfs?: string;
  readonly fromChain?: boolean;
  readonly sample?: number | true;
  readonly confidence?: number;
  readonly fraction: number;
  readonly blocks?: { from: number; to: number };
  readonly via: 'http' | 'lambda';
  readonly anchor: 'final' | 'latest';
  readonly verdicts?: boolean;
  readonly json?: boolean;
}

/** Adds `plumb owner verify`: Protocols I and II. */
export function addOwnerVerify(owner: Command): void {
  const command = owner
    .command('verify')
    .description("Check stored blocks against the chain. Takes nothing on the storage's word.")
    .argument('<dataset>', 'name or id of the dataset')
    .addOption(
      new Option('--protocol <number>', 'I: the storage hashes on request; II: it only returns blocks, or is IPFS')
        .choices(['I', 'II'])
        .default('I'),
    )
    .addOption(
      new Option('--from <source>', 'for Protocol II: where to read the blocks').choices(['s3', 'get-block', 'ipfs']),
    )
    .addOption(
      new Option('--evidence <kind>', 'which evidence to ask for; see below').choices([
        'attested',
        'possession',
        'retrieved',
      ]),
    )
    .option('--ipfs <url>', "RPC of the IPFS node to ask (default: the stack's)")
    .option(
      '--from-chain',
      'read the records of a published dataset from the chain alone, not from the service or the bucket',
    )
    .option(
      '--sample [count]',
      `check this many blocks chosen at random (${DEFAULT_SAMPLE} when no count is given)`,
      parseCount,
    )
    .option('--confidence <p>', 'choose the sample for this confidence, e.g. 0.99', parseFraction)
    .option('--fraction <f>', 'the damaged fraction that the sample should detect', parseFraction, 0.01)
    .option('--blocks <from-to>', 'only these blocks, e.g. 0-999', parseRange)
    .addOption(new Option('--via <way>', 'how requests travel').choices(['http', 'lambda']).default('http'))
    .addOption(
      new Option('--anchor <block>', 'chain state to check against').choices(['final', 'latest']).default('final'),
    )
    .option('--verdicts', "show every block's verdict, not only those of damaged blocks")
    .addHelpText('after', EXAMPLES);
  withKeystoreOptions(command).action((name: string, options: VerifyOptions) =>
    runCommand(options, async (context) => {
      const way = wantedWay(options);
      const connection = await readConnection(context);
      const dataset = await findDataset(context.home, name);
      const opened = await openOwner(context);
      const { output } = context;
      const audit = {
        dataset,
        datasetKeyOf: datasetKeyOf(opened, dataset),
        anchor: options.anchor,
        fraction: options.fraction,
        fromBlock: connection.fromBlock,
        ...(options.blocks === undefined ? {} : { range: options.blocks }),
      };
      const ledger = openLedger(connection);
      const service = await openService(connection, opened, options.via);
      const watched = watchAnswers(service);
      const rounds = {
        ...openRounds(context.home, connection, service, await readDatasets(context.home)),
        recordedOnly: options.fromChain === true,
      };
      const sample = await wantedSample(options, way, async () => {
        if (options.blocks !== undefined) return options.blocks.to - options.blocks.from + 1;
        const log = await readAnchor(ledger, dataset, options.anchor, connection.fromBlock, context.signal, rounds);
        return log.head.size;
      });
      const scope = sample === undefined ? audit : { ...audit, sample };
      const onVerdicts: OnVerdicts = (verdicts, checked, wanted) => {
        output.progress(progressBar(checked, wanted, 'blocks'));
        if (options.verdicts === true) for (const verdict of verdicts) showVerdict(output, verdict);
      };
      const openRecords: OpenRecords = (log, signal) =>
        publishedRecords({ primitives: nodePrimitives, ledger }, log, audit, signal);
      const parts = {
        connection,
        service: watched.service,
        deps: { primitives: nodePrimitives, ledger, rounds, ...(options.fromChain === true ? { openRecords } : {}) },
      };
      const report = await verifyStored(parts, way, scope, onVerdicts, context.signal);
      const damage = await locate(context, parts, way, audit, report);
      const evidence = await keepContradictions(context.home, report.growth);
      output.result(
        { ...report, damage, contradictionFiles: evidence },
        reportText(output, report, { damage, evidence }),
      );
      return watched.exitCode(report);
    }),
  );
}

const EXAMPLES = `
Protocol I, the storage hashes on request:
  --evidence possession   a random chunk of every block, with its proof (the default)
  --evidence attested     the block's hash; the storage may have kept only hashes
Protocol II, the storage does nothing:
  --from s3               byte ranges of the segments in the bucket, without anyone's cooperation
  --from get-block        whole blocks through the service
  --from ipfs             the CIDs that an IPFS node lists, without fetching blocks (attested)
  --from ipfs --evidence retrieved
                          blocks fetched from IPFS and hashed here, linked objects included

Examples:
  plumb owner verify weather                          every block, a random chunk of each
  plumb owner verify weather --evidence attested      every block, by its hash
  plumb owner verify weather --sample                 ${DEFAULT_SAMPLE} random blocks
  plumb owner verify weather --confidence 0.999 --fraction 0.005
  plumb owner verify weather --protocol II --from s3 --sample 20
  plumb owner verify weather --protocol II --from ipfs
  plumb owner verify weather --from-chain             records from the chain's publications alone
Exit codes: 0 all checked blocks are intact, 1 some are not, or the log did not only grow since the last look, 3 the chain or the service does not answer.`;

/** Damage by ranges; of the first of them, which are shown, the files and the hours. */
async function locate(
  { signal, output }: CommandContext,
  { connection, service, deps }: VerifyParts,
  way: VerifyWay,
  audit: RetrievalAudit & { readonly fromBlock: number },
  report: AuditReport,
): Promise<LocatedRange[]> {
  const ranges = damagedRanges(report.notIntact);
  // Of a storage that shows nothing intact there is nothing to learn.
  if (ranges.length === 0 || report.counts.intact === 0) return ranges.map((range) => ({ ...range, where: null }));
  output.progress('Looking up files and times of the damaged blocks …');
  const { dataset, datasetKeyOf, anchor, fromBlock } = audit;
  const log = await readAnchor(deps.ledger, dataset, anchor, fromBlock, signal, deps.rounds);
  const bucket = way.protocol === 'II' && way.from === 's3' ? await openBucket(connection) : null;
  try {
    const { primitives } = deps;
    const openSource =
      bucket === null
        ? sourceOfService({ primitives, service, download: downloadPresigned }, dataset)
        : sourceOfBucket({ primitives, bucket });
    const shown = ranges.slice(0, MOST_RANGES);
    const where = await locateDamage({ primitives, openSource }, log, { dataset, datasetKeyOf }, shown, signal);
    return ranges.map((range, i) => ({ ...range, where: where[i] ?? null }));
  } finally {
    bucket?.close();
  }
}

async function wantedSample(
  options: VerifyOptions,
  way: VerifyWay,
  total: () => Promise<number>,
): Promise<number | undefined> {
  if (options.confidence !== undefined) {
    if (options.sample !== undefined) throw new ArgumentError('Give either --sample or --confidence.');
    const kind = way.protocol === 'I' ? 'possession' : 'retrieved';
    return sampleSize(kind, await total(), options.fraction, options.confidence);
  }
  return options.sample === true ? DEFAULT_SAMPLE : options.sample;
}

function showVerdict(output: Output, verdict: Verdict): void {
  output.result(verdict, `block ${verdict.index}: ${verdictText(output, verdict)}`);
}

function verdictText(output: Output, verdict: Verdict): string {
  if (verdict.verdict === 'intact') return output.style('green', 'intact');
  const blame = verdict.blame === null ? '' : ` Proven fault of the ${verdict.blame}.`;
  const signed = verdict.signer === null ? '' : ` Signed by ${verdict.signer}.`;
  return `${output.style('red', verdict.verdict)}: ${verdict.reason}${blame}${signed}`;
}

const MOST_STRETCHES = 20;

/** A report for people. */
export function reportText(
  output: Output,
  report: AuditReport,
  { damage, evidence }: { readonly damage: readonly LocatedRange[]; readonly evidence: readonly string[] },
): string {
  const { anchor } = report;
  const isIntact = report.counts.intact === report.checked;
  const counts = Object.entries(report.counts).filter(([, count]) => count > 0);
  return [
    `Dataset ${report.dataset}`,
    `  chain block   ${anchor.point.blockNumber} (${anchor.anchor}), ${new Date(anchor.point.timestampMs).toISOString()}`,
    ...standingLines(report),
    ...growthLines(output, report.growth, evidence),
    `  root          ${anchor.root}`,
    `  checked       ${report.checked} of ${report.total}: ${counts.map(([kind, count]) => `${count} ${kind}`).join(', ')}`,
    `  evidence      ${report.evidence}: ${report.proves}`,
    `  assurance     ${report.assurance.words}`,
    ...damageText(output, damage),
    ...listSome(
      report.recordedBy.map(
        ({ from, to, count, signer, blockNumber }) =>
          `${count === to - from + 1 ? blocksText({ from, to }) : `${count} of blocks ${from} to ${to}`}: recorded in chain block ${blockNumber}, signed by ${signer}`,
      ),
      MOST_STRETCHES,
      '--json',
    ).map((line) => `  ${line}`),
    ...listSome(report.disowned.map(disownedText), MOST_STRETCHES, '--json').map((line) => `  ${line}`),
    isIntact
      ? output.style('green', 'Every checked block is intact.')
      : output.style('red', 'Not every checked block is intact.'),
  ].join('\n');
}
