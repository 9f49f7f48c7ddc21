import { resolve } from 'node:path';
import type { Command } from 'commander';
import { createJsonRpc } from '../../adapters/ethereum/json-rpc.ts';
import { ArgumentError } from '../../core/errors.ts';
import type { Address } from '../../core/ids.ts';
import { readStackFile } from '../../library/connection.ts';
import { admitToStack, DEFAULT_QUOTA_BYTES } from '../../local/admit-to-stack.ts';
import { fund, keeperOf } from '../../local/stack/fund.ts';
import { withHomeOptions } from '../command-options.ts';
import { EXIT } from '../exit-codes.ts';
import { parseAddress, parseCount } from '../parse-arguments.ts';
import { runCommand } from '../run-command.ts';

interface AdmitOptions {
  readonly quota: number;
  readonly fundOnly?: boolean;
  readonly json?: boolean;
}

const ETHER_WEI = 10n ** 18n;

/** Adds `plumb local admit`. */
export function addLocalAdmit(local: Command): void {
  const command = local
    .command('admit')
    .description('Let the local stack store for this owner, and give its account 100 test ether.')
    .argument(
      '<address>',
      "an owner's account, or with --fund-only any account, such as a device's that records by itself",
      parseAddress,
    )
    .option('--quota <bytes>', 'how many bytes the owner may store', parseCount, DEFAULT_QUOTA_BYTES)
    .option('--fund-only', 'only give test ether; do not let the stack store for the account')
    .addHelpText('after', EXAMPLES);
  withHomeOptions(command).action((account: Address, options: AdmitOptions) =>
    runCommand(options, async (context) => {
      if (context.stack === undefined) {
        throw new ArgumentError('Nothing says which stack. Give --stack FILE (its stack.json) or set PLUMB_STACK.');
      }
      const stack = await readStackFile(resolve(context.stack));
      const keeper = keeperOf(stack);
      await fund(createJsonRpc(keeper), account, 100n * ETHER_WEI);
      if (options.fundOnly !== true) await admitToStack(stack, account, options.quota);
      const admitted = options.fundOnly !== true;
      context.output.result(
        { account, admitted, quotaBytes: admitted ? options.quota : null, balanceEther: 100 },
        `${account} has 100 test ether${admitted ? ` and may store ${options.quota.toLocaleString('en')} bytes` : ''}.`,
      );
      return EXIT.ok;
    }),
  );
}

const EXAMPLES = `
Examples:
  plumb local admit 0x52908400098527886e0f7030069857d2e4169ee7 --stack ./data/stack.json
  plumb local admit 0x… --fund-only`;
