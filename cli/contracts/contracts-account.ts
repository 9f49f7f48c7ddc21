import type { Command } from 'commander';
import { withJson } from '../command-options.ts';
import { EXIT } from '../exit-codes.ts';
import { runCommand } from '../run-command.ts';
import { openPayer, type PayerOptions, withPayerOptions } from './open-payer.ts';

/** Adds `plumb contracts account`. */
export function addContractsAccount(contracts: Command): void {
  const command = contracts
    .command('account')
    .description('Print the account of a keystore or of a key in KMS, so that you can send it ether.')
    .addHelpText('after', EXAMPLES);
  withPayerOptions(withJson(command)).action((options: PayerOptions & { json?: boolean }) =>
    runCommand(options, async (context) => {
      const payer = await openPayer(context, options);
      payer.close();
      context.output.result({ account: payer.account }, payer.account);
      return EXIT.ok;
    }),
  );
}

const EXAMPLES = `
Examples:
  plumb contracts account --kms alias/plumbline-relayer --region eu-central-1
  plumb contracts account --keystore operator.json --password-file ./password`;
