import { resolve } from 'node:path';
import type { Command } from 'commander';
import type { Delivered } from '../../client/consumer/deliver-purchase.ts';
import { type Whereabouts, whereaboutsOf } from '../../client/owner/whereabouts.ts';
import { printable } from '../../client/printable.ts';
import type { Restored } from '../../client/restore/restore-files.ts';
import { counted } from '../../core/counted.ts';
import { fetchPurchase } from '../../library/fetch-purchase.ts';
import type { OpenedPurchase } from '../../library/opened-consumer.ts';
import { withKeystoreOptions } from '../command-options.ts';
import { EXIT } from '../exit-codes.ts';
import { type AheadRisk, aheadRisk, aheadText } from '../loss-text.ts';
import { type Output, progressBar } from '../output.ts';
import { parseCount } from '../parse-arguments.ts';
import { restoredText } from '../restored-text.ts';
import { runCommand } from '../run-command.ts';
import { showAmount } from '../show-amount.ts';
import { sentence, whereText } from '../where-text.ts';
import { openConsumerPurchase } from './consumer-home.ts';
import { nextStep } from './next-step.ts';
import { type Cost, costOf, costText } from './show-cost.ts';

interface FetchOptions {
  readonly out: string;
  readonly ahead?: number;
  readonly patience: number;
  readonly json?: boolean;
}

interface FetchReport extends Delivered {
  readonly agreement: string;
  readonly out: string;
  /** What was written; null while nothing was. */
  readonly restored: Restored | null;
  /** The file and the time of the block that it stopped at, as those in front of it show; null when all came. */
  readonly stoppedAt: Whereabouts | null;
  readonly cost: Cost;
  readonly risk: AheadRisk;
  readonly distrusted: readonly string[];
  readonly next: string;
  readonly ok: boolean;
}

/** Adds `plumb consumer fetch`. */
export function addConsumerFetch(consumer: Command): void {
  const command = consumer
    .command('fetch')
    .description('Fetch the blocks that you bought, verify and decrypt them, and pay as they arrive.')
    .argument('<agreement>', 'id of an accepted agreement')
    .requiredOption('--out <folder>', 'where to write; never overwrites anything there')
    .option(
      '--ahead <blocks>',
      'most blocks to pay for before they are verified, which is your risk (default: 1 below 200 blocks, else 2 % of them)',
      parseCount,
    )
    .option('--patience <seconds>', 'seconds to wait for the owner', parseCount, 60)
    .addHelpText('after', EXAMPLES);
  withKeystoreOptions(command).action((id: string, options: FetchOptions) =>
    runCommand(options, async (context) => {
      const { output, signal } = context;
      const opened = await openConsumerPurchase(context, id);
      const { terms } = opened.purchase;
      const out = resolve(options.out);
      const risk = aheadRisk(terms, options.ahead);
      output.notice(aheadText(output, terms, risk));
      const { delivered, restored, last, distrusted } = await fetchPurchase(
        context.home,
        opened,
        { out, ahead: options.ahead, patienceMs: options.patience * 1000 },
        ({ verified, count, due }) =>
          output.progress(`${progressBar(verified, count, 'blocks')}, ${showAmount(due, terms.token)} signed for`),
        signal,
      );
      const stoppedAt = delivered.stopped === null ? null : whereaboutsOf([{ about: null, before: last, after: null }]);
      const report = reportOf(opened, delivered, { out, restored, stoppedAt, distrusted, risk });
      output.result(report, reportText(output, report, opened));
      return report.ok ? EXIT.ok : EXIT.notIntact;
    }),
  );
}

const EXAMPLES = `
Blocks arrive in log order; payment stops at the first one that does not verify. The first block is paid for alone, then
as many as are verified so far, up to --ahead; before you sign anything, the command shows how much that puts at risk. Nothing is
paid for in the agreement's last window. Run again after a crash or Ctrl-C, it continues after the
last verified block.

Examples:
  plumb consumer fetch 0x… --out ./bought
  plumb consumer fetch 0x… --out ./bought --ahead 1     risk no more than one block
A block whose key the owner has shown on the chain (see plumb consumer demand) is decrypted with that key. Without the block key,
which the owner has to send, nothing shows that the block is the recorded one, so it is reported as not proven.

Exit codes: 0 every block is fetched and verified, 1 it stopped at a block or some are not proven, 3 the chain or the service does not answer.`;

function reportOf(
  opened: OpenedPurchase,
  delivered: Delivered,
  rest: Pick<FetchReport, 'out' | 'restored' | 'stoppedAt' | 'distrusted' | 'risk'>,
): FetchReport {
  const { purchase } = opened;
  const done = delivered.stopped === null;
  const ok = done && delivered.unproven.length === 0;
  const next = done
    ? `Next: plumb consumer approve ${purchase.id}   (pays the owner in full and returns the bond)`
    : nextStep(purchase, delivered.stopped, delivered.due);
  return { agreement: purchase.id, ...delivered, ...rest, cost: costOf(opened), next, ok };
}

/** Names the first of them. */
function unprovenText(unproven: readonly number[]): string[] {
  if (unproven.length === 0) return [];
  const more = unproven.length > 20 ? ` and ${unproven.length - 20} more` : '';
  return [
    `  not proven    ${unproven.length === 1 ? 'block' : 'blocks'} ${unproven.slice(0, 20).join(', ')}${more}: decrypted with the content key shown on the chain. The owner has`,
    '                not sent the block key, so the storage and the owner together could have replaced the recorded bytes',
  ];
}

function reportText(output: Output, report: FetchReport, { purchase }: OpenedPurchase): string {
  const { restored, stopped } = report;
  const { token, price } = purchase.terms;
  return [
    `Agreement ${report.agreement}`,
    `  verified      ${report.verified} of ${counted(report.count, 'block')}, every byte hashed here`,
    `  signed for    ${showAmount(report.due, token)} of ${showAmount(price, token)}`,
    ...(restored === null ? [] : restoredText(restored)),
    `  cost          ${costText(report.cost)}`,
    ...report.distrusted.map((reason) => `  rejected      ${printable(reason)}`),
    ...unprovenText(report.unproven),
    stopped === null
      ? report.ok
        ? restored === null
          ? `Every block that you bought was verified and written to ${report.out} by an earlier run. The files there were not compared again.`
          : output.style('green', `Every block that you bought is intact and in ${report.out}.`)
        : output.style('red', `Every block that you bought is in ${report.out}, but not all of them are proven.`)
      : output.style(
          'red',
          `Stopped at block ${stopped.index}: ${stopped.verdict}: ${sentence(stopped.reason ?? '')}${report.stoppedAt === null ? '' : whereText(report.stoppedAt)}`,
        ),
    report.next,
  ].join('\n');
}
