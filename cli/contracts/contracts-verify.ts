import { join, resolve } from 'node:path';
import { type Command, Option } from 'commander';
import { createJsonRpc } from '../../adapters/ethereum/json-rpc.ts';
import { FileError } from '../../core/errors.ts';
import { readConnection } from '../../library/connection.ts';
import { readDeployments } from '../../library/read-deployments.ts';
import { withHomeOptions } from '../command-options.ts';
import { EXIT } from '../exit-codes.ts';
import { parseCount } from '../parse-arguments.ts';
import { type CommandContext, runCommand } from '../run-command.ts';
import { type ContractCheck, checkContracts } from './check-contracts.ts';
import { requireChain } from './require-chain.ts';

interface VerifyOptions {
  readonly rpc?: string;
  readonly chainId?: number;
  readonly file?: string;
  readonly json?: boolean;
}

/** Adds `plumb contracts verify`. */
export function addContractsVerify(contracts: Command): void {
  const command = contracts
    .command('verify')
    .description('Compare the code on the chain, byte for byte, with what this version deploys.')
    .addOption(new Option('--rpc <url>', "a node of the chain (default: the connection's)").env('PLUMB_RPC_URL'))
    .option('--chain-id <number>', 'require this chain (default: whichever the node is on)', parseCount)
    .option('--file <file>', 'what plumb contracts deploy wrote (default: deployments/<chain>.json)')
    .addHelpText('after', EXAMPLES);
  withHomeOptions(command).action((options: VerifyOptions) =>
    runCommand(options, async (context) => {
      const { rpcUrl, chainId } = await openChain(context, options);
      const path = resolve(options.file ?? join('deployments', `${chainId}.json`));
      const deployments = await readDeployments(path);
      if (deployments.chainId !== chainId) {
        const { host } = new URL(rpcUrl);
        throw new FileError(
          `The node at ${host} is on chain ${chainId}, not on ${deployments.chainId}, which ${path} describes. Name another file or node.`,
        );
      }
      const rpc = createJsonRpc({ rpcUrl, chainId });
      const checks = await checkContracts(rpc, deployments, context.signal);
      const ok = checks.every(({ difference, block }) => difference === null && block !== 'wrong');
      const say = ok
        ? `Every contract is what this version deploys (chain ${chainId}).`
        : 'Some contracts differ from what this version deploys.';
      const lines = checks.map((check) => describeCheck(context, check));
      context.output.result({ ok, chainId, file: path, contracts: checks }, [...lines, say].join('\n'));
      return ok ? EXIT.ok : EXIT.notIntact;
    }),
  );
}

async function openChain(
  context: CommandContext,
  options: VerifyOptions,
): Promise<{ rpcUrl: string; chainId: number }> {
  const connection = options.rpc === undefined ? await readConnection(context) : null;
  const rpcUrl = options.rpc ?? String(connection?.rpcUrl);
  return { rpcUrl, chainId: await requireChain(rpcUrl, options.chainId ?? connection?.chainId, context.signal) };
}

function describeCheck({ output }: CommandContext, { name, address, difference, block }: ContractCheck): string {
  const blocks = {
    right: '',
    wrong: '; the file gives a different block for its deployment',
    unknown: '; its block was not checked, because the node keeps no state that old',
  };
  const what =
    difference === null ? 'as deployed' : `${difference.what} is ${difference.actual}, not ${difference.expected}`;
  const bad = difference !== null || block === 'wrong';
  return output.style(bad ? 'red' : 'green', `${name.padEnd(6)} ${address}  ${what}${blocks[block]}`);
}

const EXAMPLES = `
Exit codes: 0 all as deployed, 1 something differs, 2 no such file, 3 the chain does not answer or is a different one.

Examples:
  plumb contracts verify --rpc https://rpc.example
  plumb contracts verify --rpc http://127.0.0.1:8545 --file ./deployments/31337.json --json`;
