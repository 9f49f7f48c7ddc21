import type { Command } from 'commander';
import { ArgumentError } from '../../core/errors.ts';
import { readConnection } from '../../library/connection.ts';
import { openMarket, openParty } from '../../library/open-contracts.ts';
import { withKeystoreOptions } from '../command-options.ts';
import { EXIT } from '../exit-codes.ts';
import { runCommand } from '../run-command.ts';
import { showAmount } from '../show-amount.ts';
import { resolveOffer } from './owner-agreement.ts';
import { openOwner } from './owner-home.ts';

/** Adds `plumb owner cancel`. */
export function addOwnerCancel(owner: Command): void {
  const command = owner
    .command('cancel')
    .description('Cancel an offer that nobody has accepted, and get the bond back.')
    .argument('<offer>', 'id of an offer, or its beginning')
    .addHelpText('after', '\nExamples:\n  plumb owner cancel 0x…');
  withKeystoreOptions(command).action((offer: string, options: { json?: boolean }) =>
    runCommand(options, async (context) => {
      const { output, signal } = context;
      const connection = await readConnection(context);
      const opened = await openOwner(context);
      const id = await resolveOffer(connection, opened.address, offer, signal);
      const { agreement } = await openMarket(connection).readAgreement(id, 'latest', signal);
      if (agreement === null) throw new ArgumentError(`There is no agreement ${id} on this chain.`);
      const isDone = agreement.state === 'cancelled';
      const transaction = isDone ? null : await openParty(context, connection, opened).cancel(id, signal);
      output.result(
        { id, state: 'cancelled', transaction },
        `Cancelled: the bond of ${showAmount(agreement.terms.bond, agreement.terms.token)} comes back to you.\nNext: plumb owner withdraw`,
      );
      return EXIT.ok;
    }),
  );
}
