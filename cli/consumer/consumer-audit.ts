import { mkdir, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { type Command, Option } from 'commander';
import { nodePrimitives } from '../../adapters/crypto/node-primitives.ts';
import type { AuditReport } from '../../client/audit-blocks.ts';
import { auditPurchase } from '../../client/consumer/audit-purchase.ts';
import { readPurchaseLog } from '../../client/consumer/open-purchase.ts';
import type { VerifiedBlock } from '../../client/consumer/verified-block.ts';
import { damagedRanges } from '../../client/damaged-ranges.ts';
import { printable } from '../../client/printable.ts';
import { ENCRYPTED } from '../../core/charter/kind.ts';
import { counted } from '../../core/counted.ts';
import { ArgumentError } from '../../core/errors.ts';
import type { BlockIndex } from '../../core/ids.ts';
import type { CssYEvidence } from '../../core/protocols/challenge-storage.ts';
import { openLedger } from '../../library/connection.ts';
import { openMemory } from '../../library/open-rounds.ts';
import type { OpenedPurchase } from '../../library/opened-consumer.ts';
import { lockPurchase } from '../../library/purchase-file.ts';
import { withKeystoreOptions } from '../command-options.ts';
import { damageText } from '../damage-text.ts';
import { growthLines } from '../growth-text.ts';
import { type Output, progressBar } from '../output.ts';
import { parseCount, parseFraction } from '../parse-arguments.ts';
import { runCommand } from '../run-command.ts';
import { watchAnswers } from '../watch-answers.ts';
import { openConsumerPurchase } from './consumer-home.ts';
import { nextStep } from './next-step.ts';
import { penaltyLines, penaltyWorth } from './penalty-text.ts';
import { type Cost, costOf, costText } from './show-cost.ts';

interface AuditOptions {
  readonly protocol: 'III' | 'IV';
  readonly evidence?: CssYEvidence;
  readonly sample?: number;
  readonly fraction: number;
  readonly patience: number;
  readonly previews?: string;
  readonly json?: boolean;
}

/** Adds `plumb consumer audit`: Protocols III and IV. */
export function addConsumerAudit(consumer: Command): void {
  const command = consumer
    .command('audit')
    .description('Check random blocks of what is for sale, before paying for it.')
    .argument('<agreement>', 'id of an accepted agreement')
    .addOption(
      new Option('--protocol <number>', 'III: the storage hashes; IV: it gives the sampled blocks')
        .choices(['III', 'IV'])
        .default('III'),
    )
    .addOption(
      new Option('--evidence <kind>', 'for III: a random chunk of each block (default), or its hash').choices([
        'possession',
        'attested',
      ]),
    )
    .option('--sample <count>', 'how many blocks (default: 460, or as many as the agreement still allows)', parseCount)
    .option('--fraction <f>', 'the damaged fraction that the sample should detect', parseFraction, 0.01)
    .option('--patience <seconds>', 'seconds to wait for the owner', parseCount, 60)
    .option(
      '--previews <folder>',
      'where to write the previews: the first blocks that you sample, which come with their content',
    )
    .addHelpText('after', EXAMPLES);
  withKeystoreOptions(command).action((id: string, options: AuditOptions) =>
    runCommand(options, async (context) => {
      const { output, signal } = context;
      if (options.protocol === 'IV' && options.evidence !== undefined) {
        throw new ArgumentError('Protocol IV retrieves whole blocks; --evidence is for Protocol III.');
      }
      const previews: VerifiedBlock[] = [];
      const opened = await openConsumerPurchase(context, id);
      const release = await lockPurchase(context.home, opened.purchase.id, opened.store);
      try {
        const { sampled, openSample } = opened.store.state;
        const drawnEarlier = new Set(sampled.filter((index) => openSample?.includes(index) !== true));
        const { connection } = opened.consumer;
        const memory = openMemory(context.home, connection);
        const log = await readPurchaseLog(
          openLedger(connection),
          opened.purchase,
          connection.fromBlock,
          memory,
          signal,
        );
        const { channel, distrusted } = opened.channel(options.patience * 1000);
        const watched = watchAnswers(opened.service);
        const report = await auditPurchase(
          {
            ...opened,
            primitives: nodePrimitives,
            service: watched.service,
            requestKeys: channel.requestKeys,
            // Protocol III fetches no block that nobody wants to see.
            ...(options.protocol === 'III' && options.previews === undefined
              ? {}
              : { onPreview: (block: VerifiedBlock) => void previews.push(block) }),
          },
          {
            ...{ purchase: opened.purchase, log, protocol: options.protocol, fraction: options.fraction },
            evidence: options.evidence ?? 'possession',
            ...(options.sample === undefined ? {} : { sample: options.sample }),
          },
          (_, checked, wanted) => output.progress(progressBar(checked, wanted, 'blocks')),
          signal,
        );
        const shown = await writePreviews(options.previews, previews);
        const noPreview =
          options.previews !== undefined && shown.length === 0 ? whyNoPreview(opened, drawnEarlier) : null;
        const cost = costOf(opened);
        const penalty = penaltyWorth(opened.purchase, await opened.consumer.market.readQuestionCosts(signal));
        const next = nextStep(opened.purchase, report.notIntact[0] ?? null, opened.store.state.due);
        const { samples } = opened.purchase.terms;
        const samplesLeft = samples - opened.store.state.sampled.length;
        output.result(
          {
            agreement: opened.purchase.id,
            ...report,
            samplesLeft,
            previews: shown,
            noPreview,
            cost: cost,
            penalty,
            distrusted,
            next,
          },
          reportText(output, report, {
            ...{ cost, samplesLeft, previews: shown, noPreview, distrusted, next },
            penalty: penaltyLines(penalty, opened.purchase),
          }),
        );
        return watched.exitCode(report);
      } finally {
        release();
      }
    }),
  );
}

const EXAMPLES = `
The storage answers before the owner learns which blocks were sampled. A sample counts against the agreement as soon as it is
drawn; if an audit is interrupted, the next run continues with the same blocks.

Examples:
  plumb consumer audit 0x… --protocol III
  plumb consumer audit 0x… --protocol III --previews ./previews     also shows what the first samples hold
  plumb consumer audit 0x… --protocol IV --sample 20 --previews ./previews
Exit codes: 0 all sampled blocks are intact, 1 some are not, 3 the chain or the service does not answer.`;

/** A preview: a block whose content was seen before it is paid for. */
interface ShownPreview {
  readonly index: number;
  readonly sizeBytes: number;
  /** Null where it was not to be written. */
  readonly path: string | null;
}

function whyNoPreview({ purchase, store }: OpenedPurchase, drawnEarlier: ReadonlySet<BlockIndex>): string {
  const { previews } = purchase.terms;
  if (purchase.kind !== ENCRYPTED) return 'none: nothing is encrypted, so each sampled block is content';
  if (previews === 0) return 'none: by these terms no sample comes with its content';
  const first = store.state.sampled.slice(0, previews);
  const blocks = `${first.length === 1 ? 'block' : 'blocks'} ${first.join(', ')}`;
  return first.every((index) => drawnEarlier.has(index))
    ? `none: the first samples bring their content, and earlier audits drew them: ${blocks}`
    : `none: of the first samples, ${blocks}, either no content key came or the block is not intact`;
}

async function writePreviews(folder: string | undefined, previews: readonly VerifiedBlock[]): Promise<ShownPreview[]> {
  if (folder !== undefined) await mkdir(folder, { recursive: true });
  const shown: ShownPreview[] = [];
  for (const { index, content } of previews) {
    const path = folder === undefined ? null : join(resolve(folder), `block-${index}`);
    if (path !== null) await writeFile(path, content);
    shown.push({ index, sizeBytes: content.length, path });
  }
  return shown;
}

function reportText(
  output: Output,
  report: AuditReport,
  more: {
    readonly cost: Cost;
    readonly penalty: readonly string[];
    readonly samplesLeft: number;
    readonly previews: readonly ShownPreview[];
    /** Why there is none, where some were wanted. */
    readonly noPreview: string | null;
    readonly distrusted: readonly string[];
    readonly next: string;
  },
): string {
  const { cost, penalty, samplesLeft, previews, noPreview, distrusted, next } = more;
  const counts = Object.entries(report.counts).filter(([, count]) => count > 0);
  // A consumer sees no block but those it pays for: nothing beside them is looked up.
  const damage = damagedRanges(report.notIntact).map((range) => ({ ...range, where: null }));
  return [
    `Protocol ${report.protocol} on dataset ${report.dataset}`,
    `  log           ${counted(report.anchor.size, 'block')}, root ${report.anchor.root}, as offered`,
    ...growthLines(output, report.growth, []),
    `  checked       ${report.checked} of ${report.total}: ${counts.map(([kind, count]) => `${count} ${kind}`).join(', ')}; ${counted(samplesLeft, 'sample')} left`,
    `  evidence      ${report.evidence}: ${report.proves}`,
    `  assurance     ${report.assurance.words}`,
    ...penalty,
    ...previews.map(({ index, sizeBytes, path }) => {
      return `  preview       block ${index} decrypts to ${sizeBytes} bytes${path === null ? '' : `: ${path}`}`;
    }),
    ...(noPreview === null ? [] : [`  preview       ${noPreview}`]),
    `  cost          ${costText(cost)}`,
    ...damageText(output, damage),
    ...distrusted.map((reason) => `  rejected      ${printable(reason)}`),
    report.counts.intact === report.checked
      ? output.style('green', 'Every sampled block is intact.')
      : output.style('red', 'Not every sampled block is intact.'),
    next,
  ].join('\n');
}
