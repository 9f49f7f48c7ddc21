import type { Command } from 'commander';
import { type Address, NATIVE_COIN } from '../core/ids.ts';
import { readConnection } from '../library/connection.ts';
import { openMarket, openParty } from '../library/open-contracts.ts';
import { withKeystoreOptions } from './command-options.ts';
import { EXIT } from './exit-codes.ts';
import { openOwner } from './owner/owner-home.ts';
import { parseAddress } from './parse-arguments.ts';
import { runCommand } from './run-command.ts';
import { showAmount } from './show-amount.ts';

interface WithdrawOptions {
  readonly token: Address;
  readonly to?: Address;
  readonly json?: boolean;
}

/** Adds `withdraw` to the commands of an owner or a consumer; `what` says what it would be. */
export function addWithdraw(party: Command, who: 'owner' | 'consumer', what: string): void {
  const command = party
    .command('withdraw')
    .description(`Take out of OCASC what it owes this ${who}: ${what}.`)
    .option('--token <address>', 'which token (default: the native coin)', parseAddress, NATIVE_COIN)
    .option('--to <address>', 'send it to another account', parseAddress)
    .addHelpText('after', `\nExamples:\n  plumb ${who} withdraw\n  plumb ${who} withdraw --token 0x… --to 0x…`);
  withKeystoreOptions(command).action((options: WithdrawOptions) =>
    runCommand(options, async (context) => {
      const connection = await readConnection(context);
      const opened = await openOwner(context);
      const { token, to = opened.address } = options;
      const amount = await openMarket(connection).readCredit(token, opened.address, 'latest', context.signal);
      const withdraw = () => openParty(context, connection, opened).withdraw(token, to, context.signal);
      const transaction = amount === 0n ? null : await withdraw();
      context.output.result(
        { account: opened.address, token, to, amount, transaction },
        amount === 0n ? `OCASC owes this ${who} nothing.` : `${showAmount(amount, token)} went to ${to}.`,
      );
      return EXIT.ok;
    }),
  );
}
