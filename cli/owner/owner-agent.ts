import { resolve } from 'node:path';
import type { Command } from 'commander';
import { nodePrimitives } from '../../adapters/crypto/node-primitives.ts';
import { mnemonicSeed } from '../../adapters/keys/mnemonic.ts';
import { createSecretFile, replaceSecretFile } from '../../adapters/keys/secret-file.ts';
import type { DatasetId } from '../../core/ids.ts';
import { deriveAgentSecrets } from '../../core/keys.ts';
import { accountOfKey } from '../../core/typed-data.ts';
import { withKeystoreOptions } from '../command-options.ts';
import { readConnection } from '../connection.ts';
import { EXIT } from '../exit-codes.ts';
import { requireOcasc } from '../require-contract.ts';
import { runCommand } from '../run-command.ts';
import { agentFileText } from './agent-file.ts';
import { datasetKeyOf, listDatasets, openOwner } from './owner-home.ts';

interface AgentOptions {
  readonly out: string;
  readonly replace?: boolean;
  readonly json?: boolean;
}

/** Adds `plumb owner agent`: writes what `plumb owner serve` needs. */
export function addOwnerAgent(owner: Command): void {
  const command = owner
    .command('agent')
    .description("Write the file (mode 0600) that serves sales: the agent's account, and the keys of the datasets.")
    .option('--out <file>', 'file to create', 'agent.json')
    .option('--replace', 'replace the file, as when there are more datasets')
    .addHelpText('after', EXAMPLES);
  withKeystoreOptions(command).action((options: AgentOptions) =>
    runCommand(options, async (context) => {
      const opened = await openOwner(context);
      const connection = await readConnection(context);
      const { rpcUrl, chainId, dissc, apiUrl, fromBlock } = connection;
      const { agentKey, offersSecret } = deriveAgentSecrets(nodePrimitives, mnemonicSeed(opened.mnemonic));
      const datasets = (await listDatasets(context.home)).map(({ name, dataset }) => {
        return { name, dataset: dataset as DatasetId, datasetKey: datasetKeyOf(opened, dataset) };
      });
      const text = agentFileText({
        ...{ rpcUrl, chainId, dissc, ocasc: requireOcasc(connection), apiUrl, fromBlock },
        ...{ owner: opened.address, agentKey, offersSecret, datasets },
      });
      const path = resolve(options.out);
      await (options.replace === true ? replaceSecretFile : createSecretFile)(path, text);
      const agent = accountOfKey(agentKey);
      context.output.result(
        { path, agent, datasets: datasets.map(({ dataset }) => dataset) },
        `${path} is written (mode 0600), for ${datasets.length} dataset${datasets.length === 1 ? '' : 's'}. Whoever has it can read them, but not spend.\n` +
          `Agent ${agent}: give it a little ether for gas (local stack: plumb local admit ${agent} --fund-only).\n` +
          `Then: plumb owner serve --agent ${options.out}`,
      );
      return EXIT.ok;
    }),
  );
}

const EXAMPLES = `
Examples:
  plumb owner agent --out agent.json
  plumb owner agent --out agent.json --replace`;
