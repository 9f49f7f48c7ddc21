import type { Command } from 'commander';
import { InvalidInputError } from '../../core/errors.ts';
import type { AgreementId } from '../../core/ids.ts';
import type { Agreement, AgreementState } from '../../core/ports/agreements.ts';
import { readConnection } from '../connection.ts';
import { EXIT } from '../exit-codes.ts';
import { parseId } from '../parse-arguments.ts';
import { runCommand, withOwnerOptions } from '../run-command.ts';
import { plainJson, showAmount } from '../show-amount.ts';
import { openMarket, openSeller } from './open-market.ts';
import { openOwner } from './owner-home.ts';

interface Settlement {
  readonly call: 'cancel' | 'close';
  readonly description: string;
  readonly leadsTo: AgreementState;
  readonly text: (agreement: Agreement) => string;
}

const SETTLEMENTS: readonly Settlement[] = [
  {
    call: 'cancel',
    description: 'Take back an offer that nobody has accepted: the bond comes back.',
    leadsTo: 'cancelled',
    text: ({ terms }) => `Cancelled: the bond of ${showAmount(terms.bond, terms.token)} came back.`,
  },
  {
    call: 'close',
    description:
      'Close a sale whose end has come: what is due and the bond are yours. Claim vouchers first (serve does).',
    leadsTo: 'closed',
    text: ({ terms, due }) => `Closed: ${showAmount(due + terms.bond, terms.token)} are yours.`,
  },
];

/** Adds `plumb owner cancel` and `plumb owner close`. */
export function addOwnerSettlements(owner: Command): void {
  for (const settlement of SETTLEMENTS) {
    const command = owner
      .command(settlement.call)
      .description(settlement.description)
      .argument('<offer>', 'id of an offer', parseId<AgreementId>)
      .addHelpText('after', `\nExamples:\n  plumb owner ${settlement.call} 0x…`);
    withOwnerOptions(command).action((id: AgreementId, options: { json?: boolean }) =>
      runCommand(options, async (context) => {
        const { output, signal } = context;
        const opened = await openOwner(context);
        const connection = await readConnection(context);
        const market = openMarket(connection);
        const before = (await market.readAgreement(id, 'latest', signal)).agreement;
        if (before === null) throw new InvalidInputError(`There is no agreement ${id} on this chain.`);
        const isDone = before.state === settlement.leadsTo;
        const transaction = isDone ? null : await openSeller(connection, opened)[settlement.call](id, signal);
        const after = (await market.readAgreement(id, 'latest', signal)).agreement ?? before;
        output.result(
          plainJson({ id, state: after.state, due: after.due, transaction }) as object,
          `${settlement.text(after)}\nNext: plumb owner withdraw`,
        );
        return EXIT.ok;
      }),
    );
  }
}
