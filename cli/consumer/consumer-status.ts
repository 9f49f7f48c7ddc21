import type { Command } from 'commander';
import { counted } from '../../core/counted.ts';
import type { OpenQuestion } from '../../core/ports/agreements.ts';
import { withKeystoreOptions } from '../command-options.ts';
import { EXIT } from '../exit-codes.ts';
import { runCommand } from '../run-command.ts';
import { showAmount, showSeconds } from '../show-amount.ts';
import { openConsumerPurchase } from './consumer-home.ts';

/** Adds `plumb consumer status`. */
export function addConsumerStatus(consumer: Command): void {
  const command = consumer
    .command('status')
    .description('Show where an agreement stands, from the chain and from the files kept here.')
    .argument('<agreement>', 'id of an accepted agreement')
    .addHelpText('after', '\nExamples:\n  plumb consumer status 0x…');
  withKeystoreOptions(command).action((id: string, options: { json?: boolean }) =>
    runCommand(options, async (context) => {
      const { purchase, store } = await openConsumerPurchase(context, id);
      const { state, terms, due, buyer, question } = purchase;
      const { sampled, verified } = store.state;
      context.output.result(
        { agreement: purchase.id, state, terms, due, buyer, question, local: store.state },
        [
          `Agreement ${purchase.id}`,
          `  state         ${state}; until ${showSeconds(buyer.endSeconds)}`,
          `  sampled       ${sampled.length} of ${terms.samples}`,
          `  verified      ${verified} of ${counted(terms.count, 'block')}`,
          `  signed for    ${showAmount(store.state.due, terms.token)} of ${showAmount(terms.price, terms.token)}; due on the chain ${showAmount(due, terms.token)}`,
          ...questionLines(question),
        ].join('\n'),
      );
      return EXIT.ok;
    }),
  );
}

function questionLines(question: OpenQuestion | null): string[] {
  if (question === null) return [];
  const { asks, block, deadlineSeconds, graceEndSeconds } = question;
  const what = asks === 'chunk' ? `  challenged    block ${block}` : `  key demanded  block ${block}`;
  return [
    graceEndSeconds === null
      ? `${what}, answer until ${showSeconds(deadlineSeconds)}`
      : `${what}; lapsed, answer until ${showSeconds(graceEndSeconds)}`,
  ];
}
