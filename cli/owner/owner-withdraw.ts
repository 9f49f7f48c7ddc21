import type { Command } from 'commander';
import { type Address, NATIVE_COIN } from '../../core/ids.ts';
import { readConnection } from '../connection.ts';
import { EXIT } from '../exit-codes.ts';
import { parseAddress } from '../parse-arguments.ts';
import { runCommand, withOwnerOptions } from '../run-command.ts';
import { plainJson, showAmount } from '../show-amount.ts';
import { openMarket, openSeller } from './open-market.ts';
import { openOwner } from './owner-home.ts';

interface WithdrawOptions {
  readonly token: Address;
  readonly to?: Address;
  readonly json?: boolean;
}

/** Adds `plumb owner withdraw`. */
export function addOwnerWithdraw(owner: Command): void {
  const command = owner
    .command('withdraw')
    .description('Take out of OCASC what it owes this owner: prices, bonds and stakes.')
    .option('--token <address>', 'which token (default: the native coin)', parseAddress, NATIVE_COIN)
    .option('--to <address>', 'to another account', parseAddress)
    .addHelpText('after', '\nExamples:\n  plumb owner withdraw\n  plumb owner withdraw --token 0x… --to 0x…');
  withOwnerOptions(command).action((options: WithdrawOptions) =>
    runCommand(options, async (context) => {
      const opened = await openOwner(context);
      const connection = await readConnection(context);
      const { token, to = opened.address } = options;
      const amount = await openMarket(connection).readCredit(token, opened.address, 'latest', context.signal);
      const party = openSeller(connection, opened);
      const transaction = amount === 0n ? null : await party.withdraw(token, to, context.signal);
      context.output.result(
        plainJson({ account: opened.address, token, to, amount, transaction }) as object,
        amount === 0n ? 'OCASC owes this owner nothing.' : `${showAmount(amount, token)} went to ${to}.`,
      );
      return EXIT.ok;
    }),
  );
}
