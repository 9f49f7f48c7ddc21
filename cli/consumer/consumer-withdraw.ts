import { type Command, InvalidArgumentError } from 'commander';
import { type Address, address, NATIVE_COIN } from '../../core/ids.ts';
import { EXIT } from '../exit-codes.ts';
import { runCommand, withOwnerOptions } from '../run-command.ts';
import { showAmount } from '../show-amount.ts';
import { openConsumer } from './consumer-home.ts';

interface WithdrawOptions {
  readonly token: Address;
  readonly to?: Address;
  readonly json?: boolean;
}

/** Adds `plumb consumer withdraw`. */
export function addConsumerWithdraw(consumer: Command): void {
  const command = consumer
    .command('withdraw')
    .description('Take out of OCASC what it owes this account.')
    .option('--token <address>', 'which token (default: the native coin)', parseAddress, NATIVE_COIN)
    .option('--to <address>', 'to another account', parseAddress)
    .addHelpText('after', '\nExamples:\n  plumb consumer withdraw\n  plumb consumer withdraw --token 0x…');
  withOwnerOptions(command).action((options: WithdrawOptions) =>
    runCommand(options, async (context) => {
      const { account, market, party } = await openConsumer(context);
      const { token, to = account } = options;
      const credit = await market.readCredit(token, account, 'latest', context.signal);
      const transaction = credit === 0n ? null : await party.withdraw(token, to, context.signal);
      context.output.result(
        { account, token, to, amount: credit, transaction },
        credit === 0n ? 'OCASC owes this account nothing.' : `${showAmount(credit, token)} went to ${to}.`,
      );
      return EXIT.ok;
    }),
  );
}

function parseAddress(text: string): Address {
  try {
    return address(text.toLowerCase());
  } catch {
    throw new InvalidArgumentError(`${text} is not an address: 0x and 40 hex digits.`);
  }
}
