import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { type Command, Option } from 'commander';
import { type Deployed, deployContracts } from '../../adapters/ethereum/deploy-contracts.ts';
import { CREATE2_PROXY, deployProxy, hasProxy } from '../../adapters/ethereum/deploy-proxy.ts';
import { ANSWER_GAS, DEMAND_GAS } from '../../adapters/ethereum/deployable-ocasc.ts';
import { findDeploymentBlock } from '../../adapters/ethereum/find-deployment-block.ts';
import { createJsonRpc, type JsonRpc } from '../../adapters/ethereum/json-rpc.ts';
import { ArgumentError, LedgerUnavailableError } from '../../core/errors.ts';
import type { DeploymentsFile } from '../../core/wire/deployments-file.ts';
import { senderParts } from '../../library/open-sender.ts';
import { readDeployments } from '../../library/read-deployments.ts';
import { withJson } from '../command-options.ts';
import { EXIT } from '../exit-codes.ts';
import { parseCount } from '../parse-arguments.ts';
import { type CommandContext, runCommand } from '../run-command.ts';
import { checkContracts } from './check-contracts.ts';
import { type Choices, CONTRACTS, deployablesOf, describeDeployments } from './deployables.ts';
import { openPayer, type PayerOptions, withPayerOptions } from './open-payer.ts';
import { requireChain } from './require-chain.ts';
import { requireSameContracts, writeDeployments } from './write-deployments.ts';

interface DeployCommandOptions extends PayerOptions {
  readonly rpc: string;
  readonly chainId?: number;
  readonly minWindow?: number;
  readonly answerGas: number;
  readonly demandGas: number;
  readonly out: string;
  readonly json?: boolean;
}

/** What a chain for trying things out is called; there, nobody waits a day for an answer. */
const LOCAL_CHAIN_ID = 31337;
const LOCAL_MIN_WINDOW_SECONDS = 5;
const MIN_WINDOW_SECONDS = 24 * 60 * 60;
/** OCASC's MAX_WINDOW. */
const MAX_WINDOW_SECONDS = 30 * 24 * 60 * 60;
const WAIT_MS = 5 * 60_000;

/** Adds `plumb contracts deploy`. */
export function addContractsDeploy(contracts: Command): void {
  const command = contracts
    .command('deploy')
    .description(
      'Deploy DISSC, OCASC and ASC where they are missing, and write their addresses to a file. Costs gas; safe to run again.',
    )
    .addOption(new Option('--rpc <url>', 'a node of the chain').env('PLUMB_RPC_URL').makeOptionMandatory())
    .option('--chain-id <number>', 'require this chain (default: whichever the node is on)', parseCount)
    .option('--min-window <seconds>', 'shortest window of OCASC (default: 24 h; 5 s on chain 31337)', parseCount)
    .option('--answer-gas <gas>', 'gas that OCASC assumes an answer costs', parseCount, ANSWER_GAS)
    .option('--demand-gas <gas>', 'gas that OCASC assumes showing a key costs', parseCount, DEMAND_GAS)
    .option('--out <folder>', 'where to write <chain>.json', 'deployments')
    .addHelpText('after', EXAMPLES);
  withPayerOptions(withJson(command)).action((options: DeployCommandOptions) =>
    runCommand(options, async (context) => {
      const chainId = await requireChain(options.rpc, options.chainId, context.signal);
      const choices = choicesOf(options, chainId);
      const path = join(resolve(options.out), `${chainId}.json`);
      const former = existsSync(path) ? await readDeployments(path) : null;
      // Before anything is paid for.
      if (former !== null) {
        requireSameContracts(path, former, describeDeployments(chainId, choices, { DISSC: 0, OCASC: 0, ASC: 0 }));
      }
      const { account, deployed } = await deploy(context, options, chainId, choices);
      const rpc = createJsonRpc({ rpcUrl: options.rpc, chainId });
      const blocks = await findBlocks(rpc, deployed, former, context.signal);
      const deployments = describeDeployments(chainId, choices, blocks);
      await requireCode(rpc, deployments, context.signal);
      await writeDeployments(path, deployments);
      report(context, deployments, { account, path, deployed });
      return EXIT.ok;
    }),
  );
}

function choicesOf({ minWindow, answerGas, demandGas }: DeployCommandOptions, chainId: number): Choices {
  const minWindowSeconds = minWindow ?? (chainId === LOCAL_CHAIN_ID ? LOCAL_MIN_WINDOW_SECONDS : MIN_WINDOW_SECONDS);
  if (minWindowSeconds <= MAX_WINDOW_SECONDS) return { minWindowSeconds, answerGas, demandGas };
  throw new ArgumentError(
    `--min-window is ${minWindowSeconds} s, above OCASC's longest window of ${MAX_WINDOW_SECONDS} s. Give a smaller --min-window.`,
  );
}

async function deploy(
  context: CommandContext,
  options: DeployCommandOptions,
  chainId: number,
  choices: Choices,
): Promise<{ account: string; deployed: readonly Deployed[] }> {
  const { output, signal } = context;
  const payer = await openPayer(context, options);
  try {
    const target = {
      rpcUrl: options.rpc,
      chainId,
      signer: payer,
      waitMs: WAIT_MS,
      ...senderParts(context, chainId, payer.account),
    };
    output.notice(`Chain ${chainId}, paid by ${payer.account}.`);
    if (!(await hasProxy(createJsonRpc(target), signal))) {
      output.notice(
        `The chain lacks the deployment proxy ${CREATE2_PROXY}. Deploying it first, for 0.01 of the chain's coin.`,
      );
      await deployProxy(target, signal);
    }
    output.progress('Deploying the missing contracts …');
    const all = deployablesOf(choices);
    const { deployed } = await deployContracts(
      target,
      CONTRACTS.map((name) => all[name]),
      signal,
    );
    return { account: payer.account, deployed };
  } finally {
    payer.close();
  }
}

/** Of those deployed just now it is known; of the others it is in the former file, or has to be searched. */
async function findBlocks(
  rpc: JsonRpc,
  deployed: readonly Deployed[],
  former: DeploymentsFile | null,
  signal: AbortSignal,
): Promise<Record<(typeof CONTRACTS)[number], number>> {
  const blocks = { DISSC: 0, OCASC: 0, ASC: 0 };
  for (const [i, name] of CONTRACTS.entries()) {
    const { address, block } = deployed[i] as Deployed;
    blocks[name] = block ?? former?.contracts[name].block ?? (await findDeploymentBlock(rpc, address, signal));
  }
  return blocks;
}

async function requireCode(rpc: JsonRpc, deployments: DeploymentsFile, signal: AbortSignal): Promise<void> {
  for (const { name, address, difference } of await checkContracts(rpc, deployments, signal)) {
    if (difference === null) continue;
    const { what, expected, actual } = difference;
    throw new LedgerUnavailableError(
      `The code of ${name} at ${address} is not what was deployed: ${what} is ${actual}, not ${expected}. Nothing was written.`,
    );
  }
}

function report(
  { output }: CommandContext,
  deployments: DeploymentsFile,
  { account, path, deployed }: { account: string; path: string; deployed: readonly Deployed[] },
): void {
  const { chainId, contracts } = deployments;
  const lines = CONTRACTS.map((name, i) => {
    const how = deployed[i]?.block === null ? 'already there' : 'deployed';
    return `  ${name.padEnd(6)} ${contracts[name].address}  ${how}, block ${contracts[name].block}`;
  });
  const names = deployed.filter(({ block }) => block !== null).map(({ name }) => name);
  output.result(
    { chainId, account, file: path, deployed: names, contracts },
    [`Contracts on chain ${chainId}:`, ...lines, `Written to ${path}. Check it with: plumb contracts verify`].join(
      '\n',
    ),
  );
}

const EXAMPLES = `
The addresses depend only on the code and the arguments, because the proxy 0x4e59b44847b379578588920cA78FbF26c0B4956C deploys
the contracts; who pays makes no difference. If the chain lacks the proxy and the paying account can spare 0.01 of its coin, this
command deploys the proxy, too.

Examples:
  plumb contracts deploy --rpc https://rpc.example --chain-id 11155111 --keystore operator.json
  PLUMB_RPC_URL=https://rpc.example/key plumb contracts deploy --kms alias/plumbline-relayer --region eu-central-1
  plumb contracts deploy --rpc http://127.0.0.1:8545 --min-window 60 --out ./deployments`;
