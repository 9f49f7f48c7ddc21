import type { Command } from 'commander';
import { type SettlementCall, settlePurchase } from '../../client/consumer/settle-purchase.ts';
import type { Agreement } from '../../core/ports/agreements.ts';
import type { OpenedPurchase } from '../../library/opened-consumer.ts';
import { withKeystoreOptions } from '../command-options.ts';
import { durationText } from '../duration-text.ts';
import { EXIT } from '../exit-codes.ts';
import { runCommand } from '../run-command.ts';
import { showAmount, showSeconds } from '../show-amount.ts';
import { openConsumerPurchase } from './consumer-home.ts';

/** A transition of OCASC that a consumer makes by one call. */
interface Settlement {
  readonly call: SettlementCall;
  readonly description: string;
  readonly text: (agreement: Agreement) => string;
}

const SETTLEMENTS: readonly Settlement[] = [
  {
    call: 'approve',
    description: 'Approve the delivery: pays the owner in full now and returns the bond.',
    text: ({ terms, owner }) =>
      `Closed: ${showAmount(terms.price, terms.token)} and the bond of ${showAmount(terms.bond, terms.token)} go to ${owner}.`,
  },
  {
    call: 'quit',
    description: 'Stop delivery now. The unpaid part of the price is refunded when the agreement closes.',
    text: ({ id, terms }) =>
      `Ended. The owner has ${durationText(1000 * terms.windowSeconds)} to claim what you signed for and close the agreement; after that, anyone can close it.\nThen: plumb consumer close ${id}, plumb consumer withdraw`,
  },
  {
    call: 'lapse',
    description:
      'State on the chain that the owner missed the deadline of a challenge or demand. A quarter of the window remains to answer.',
    text: ({ id, state, question }) =>
      state === 'breached'
        ? `The agreement is already breached.\nNext: plumb consumer withdraw`
        : `Lapsed. The owner can still answer until ${showSeconds(question?.graceEndSeconds ?? 0)}.\nAfter that: plumb consumer breach ${id}`,
  },
  {
    call: 'breach',
    description:
      'After a lapse without an answer: take the escrow, the bond and your stake, less what you already owe the owner.',
    text: ({ terms, due }) =>
      `Breached: ${showAmount(terms.price - due + terms.bond, terms.token)} and the stake go to you.\nNext: plumb consumer withdraw`,
  },
  {
    call: 'close',
    description: 'Close an agreement whose time is over; returns the unpaid part of the price.',
    text: ({ terms, due }) =>
      `Closed: ${showAmount(terms.price - due, terms.token)} comes back to you.\nNext: plumb consumer withdraw`,
  },
];

/** Adds `plumb consumer approve`, `quit`, `breach` and `close`. */
export function addConsumerSettlements(consumer: Command): void {
  for (const settlement of SETTLEMENTS) {
    const command = consumer
      .command(settlement.call)
      .description(settlement.description)
      .argument('<agreement>', 'id of an accepted agreement')
      .addHelpText('after', `\nExamples:\n  plumb consumer ${settlement.call} 0x…`);
    withKeystoreOptions(command).action((id: string, options: { json?: boolean }) =>
      runCommand(options, async (context) => {
        const opened = await openConsumerPurchase(context, id);
        const { consumer, purchase, store } = opened;
        const agreement = await settlePurchase({ ...consumer, store }, purchase, settlement.call, context.signal);
        context.output.result(resultOf(opened, agreement), settlement.text(agreement));
        return EXIT.ok;
      }),
    );
  }
}

function resultOf({ store }: OpenedPurchase, { id, state, due, buyer, question }: Agreement): object {
  return { agreement: id, state, due, buyer, question, transactions: store.state.transactions };
}
