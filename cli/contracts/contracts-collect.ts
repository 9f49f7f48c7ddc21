import { join, resolve } from 'node:path';
import { type Command, Option } from 'commander';
import { createAscLedger } from '../../adapters/ethereum/asc-ledger.ts';
import { createAscParty } from '../../adapters/ethereum/asc-party.ts';
import { type Address, address, NATIVE_COIN } from '../../core/ids.ts';
import { senderParts } from '../../library/open-sender.ts';
import { readDeployments } from '../../library/read-deployments.ts';
import { withJson } from '../command-options.ts';
import { EXIT } from '../exit-codes.ts';
import { parseAddress } from '../parse-arguments.ts';
import { runCommand } from '../run-command.ts';
import { showAmount } from '../show-amount.ts';
import { openPayer, type PayerOptions, withPayerOptions } from './open-payer.ts';
import { requireChain } from './require-chain.ts';

interface CollectOptions extends PayerOptions {
  readonly rpc: string;
  readonly file?: string;
  readonly to?: Address;
  readonly json?: boolean;
}

/** Adds `plumb contracts collect`. */
export function addContractsCollect(contracts: Command): void {
  const command = contracts
    .command('collect')
    .description('Take out of ASC what a storage service has earned by recording.')
    .addOption(new Option('--rpc <url>', 'a node of the chain').env('PLUMB_RPC_URL').makeOptionMandatory())
    .option('--file <file>', 'what plumb contracts deploy wrote (default: deployments/<chain>.json)')
    .option('--to <address>', 'to another account', parseAddress)
    .addHelpText('after', EXAMPLES);
  withPayerOptions(withJson(command)).action((options: CollectOptions) =>
    runCommand(options, async (context) => {
      const { output, signal } = context;
      const chainId = await requireChain(options.rpc, undefined, signal);
      const { contracts: deployed } = await readDeployments(
        resolve(options.file ?? join('deployments', `${chainId}.json`)),
      );
      const asc = { rpcUrl: options.rpc, chainId, asc: address(deployed.ASC.address) };
      const payer = await openPayer(context, options);
      try {
        const { account } = payer;
        const { to = account } = options;
        const amount = await createAscLedger(asc).readCreditWei(account, 'latest', signal);
        const withdraw = () =>
          createAscParty({ ...asc, signer: payer, ...senderParts(context, chainId, account) }).withdraw(to, signal);
        const transaction = amount === 0n ? null : await withdraw();
        output.result(
          { account, to, amount, transaction },
          amount === 0n ? `ASC owes ${account} nothing.` : `${showAmount(amount, NATIVE_COIN)} went to ${to}.`,
        );
        return EXIT.ok;
      } finally {
        payer.close();
      }
    }),
  );
}

const EXAMPLES = `
Use the account that records, because owners grant to that account. This command waits for the service's own transactions.

Examples:
  plumb contracts collect --rpc https://rpc.example --kms alias/plumbline-relayer --region eu-central-1
  plumb contracts collect --rpc http://127.0.0.1:8545 --keystore operator.json --to 0x…`;
