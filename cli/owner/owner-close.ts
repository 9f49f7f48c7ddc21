import { resolve } from 'node:path';
import type { Command } from 'commander';
import { readKeptVoucher } from '../../client/sale/read-kept-voucher.ts';
import { ArgumentError, FileError, PlumblineError } from '../../core/errors.ts';
import type { AgreementId } from '../../core/ids.ts';
import { readConnection } from '../../library/connection.ts';
import { openMarket, openParty } from '../../library/open-contracts.ts';
import { withKeystoreOptions } from '../command-options.ts';
import { EXIT } from '../exit-codes.ts';
import { runCommand } from '../run-command.ts';
import { showAmount } from '../show-amount.ts';
import { resolveOffer } from './owner-agreement.ts';
import { openOwner } from './owner-home.ts';

interface CloseOptions {
  readonly state: string;
  readonly withoutVouchers?: boolean;
  readonly json?: boolean;
}

/** Adds `plumb owner close`. */
export function addOwnerClose(owner: Command): void {
  const command = owner
    .command('close')
    .description(
      'Close a sale that has ended: claims the highest voucher, then returns what the sale earned and the bond.',
    )
    .argument('<offer>', 'id of an offer, or its beginning')
    .option('--state <folder>', 'where plumb owner serve keeps vouchers', 'sales')
    .option('--without-vouchers', 'give up vouchers that the chain does not know')
    .addHelpText('after', '\nExamples:\n  plumb owner close 0x…\n  plumb owner close 0x… --state /var/lib/plumb/sales');
  withKeystoreOptions(command).action((offer: string, options: CloseOptions) =>
    runCommand(options, async (context) => {
      const { output, signal } = context;
      const connection = await readConnection(context);
      const market = openMarket(connection);
      const opened = await openOwner(context);
      const id = await resolveOffer(connection, opened.address, offer, signal);
      const party = openParty(context, connection, opened);
      const before = (await market.readAgreement(id, 'latest', signal)).agreement;
      if (before === null) throw new ArgumentError(`There is no agreement ${id} on this chain.`);
      const isDone = before.state === 'closed';
      const isEarned = before.due === before.terms.price;
      const voucher = isDone || isEarned || options.withoutVouchers === true ? null : keptVoucher(options, id);
      const claims = voucher !== null && voucher.due > before.due;
      const claimed = claims ? await party.claim(id, voucher.due, voucher.signature, signal) : null;
      const transaction = isDone ? null : await party.close(id, signal);
      const { terms, state, due } = (await market.readAgreement(id, 'latest', signal)).agreement ?? before;
      output.result(
        { id, state, due, claimed, transaction },
        `Closed: you get ${showAmount(due + terms.bond, terms.token)}.\nNext: plumb owner withdraw`,
      );
      return EXIT.ok;
    }),
  );
}

function keptVoucher({ state }: CloseOptions, id: AgreementId): ReturnType<typeof readKeptVoucher> {
  const folder = resolve(state);
  try {
    return readKeptVoucher(folder, id);
  } catch (cause) {
    if (!(cause instanceof PlumblineError) || cause.kind !== 'file') throw cause;
    throw new FileError(
      `${cause.shortMessage} Closing forfeits vouchers that were not claimed. Give their folder with --state; or, if there ` +
        'are none: --without-vouchers.',
      { cause },
    );
  }
}
