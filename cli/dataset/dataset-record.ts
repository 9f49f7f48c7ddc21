import type { Command } from 'commander';
import type { RecordPlan } from '../../client/owner/record-dataset.ts';
import { counted } from '../../core/counted.ts';
import { NATIVE_COIN } from '../../core/ids.ts';
import type { MinedTransaction } from '../../core/ports/mined-transaction.ts';
import { openLedger, openService, readConnection } from '../../library/connection.ts';
import { datasetEntry } from '../../library/dataset-list.ts';
import { withKeystoreOptions } from '../command-options.ts';
import { EXIT } from '../exit-codes.ts';
import { openOwner } from '../owner/owner-home.ts';
import { runCommand } from '../run-command.ts';
import { showAmount } from '../show-amount.ts';
import { planNewest, planText } from './record-newest.ts';

interface RecordOptions {
  readonly dryRun?: boolean;
  readonly json?: boolean;
}

/** Adds `plumb dataset record`. */
export function addDatasetRecord(dataset: Command): void {
  const command = dataset
    .command('record')
    .description(
      "Record a dataset's charter and newest head on DISSC, even if rounds anchor it. Costs gas; safe to run again.",
    )
    .argument('<dataset>', 'name or id of the dataset')
    .option('--dry-run', 'show what it would record, and the gas; send nothing')
    .addHelpText('after', EXAMPLES);
  withKeystoreOptions(command).action((name: string, options: RecordOptions) =>
    runCommand(options, async (context) => {
      const { output, signal } = context;
      const entry = await datasetEntry(context.home, name);
      const connection = await readConnection(context);
      const opened = await openOwner(context);
      const service = await openService(connection, opened, 'http');
      const { plan, send } = await planNewest(context, connection, opened, service, entry);
      if (plan === null) {
        const { heads } = await openLedger(connection).readHeads([entry.dataset], 'latest', signal);
        const recorded = heads[0]?.size ?? 0;
        output.result(
          answerOf(entry.dataset, { from: recorded, to: recorded }, null),
          `DISSC has the charter of ${entry.name} and ${counted(recorded, 'block')}, which is all that the service shows. Nothing to do.`,
        );
        return EXIT.ok;
      }
      if (options.dryRun === true) {
        output.result(answerOf(entry.dataset, plan, null), planText(entry.name, plan));
        return EXIT.ok;
      }
      output.notice(planText(entry.name, plan));
      output.progress('Sending …');
      const mined = await send(plan);
      output.result(
        answerOf(entry.dataset, plan, mined),
        [
          `Recorded: DISSC has ${counted(plan.to, 'block')} of ${entry.name}.`,
          `  transaction   ${mined.txHash}, in chain block ${mined.blockNumber}`,
          `  cost          ${mined.gasUsed.toLocaleString('en')} gas, ${showAmount(mined.feeWei, NATIVE_COIN)}`,
        ].join('\n'),
      );
      return EXIT.ok;
    }),
  );
}

function answerOf(
  dataset: string,
  plan: Pick<RecordPlan, 'from' | 'to'> & Partial<RecordPlan>,
  mined: MinedTransaction | null,
): object {
  const { from, to, call, gas, maxCostWei } = plan;
  return {
    ...{ dataset, from, to, charters: call?.charters.length ?? 0 },
    ...{ estimatedGas: gas ?? 0n, maxCostWei: maxCostWei ?? 0n },
    transaction: mined?.txHash ?? null,
    gasUsed: mined?.gasUsed ?? null,
    feeWei: mined?.feeWei ?? null,
  };
}

const EXAMPLES = `
Rounds continue to anchor the dataset. What DISSC has recorded can never disappear, and agreements rest on that alone
(plumb owner offer records by itself). Before it sends anything, the command compares the head with every head that this home
has seen. If the log went back or contradicts one of them, it sends nothing and says so (exit 6).

Examples:
  plumb dataset record pump-7 --dry-run
  plumb dataset record pump-7`;
