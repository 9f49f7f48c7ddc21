import { resolve } from 'node:path';
import type { Command } from 'commander';
import { nodePrimitives } from '../../adapters/crypto/node-primitives.ts';
import { createSecretFile, replaceSecretFile } from '../../adapters/keys/secret-file.ts';
import type { SignedCharter } from '../../core/charter/charter.ts';
import type { DatasetId } from '../../core/ids.ts';
import { deriveAgentSecrets } from '../../core/keys.ts';
import type { ChainCharter } from '../../core/ports/ledger.ts';
import { accountOfKey } from '../../core/typed-data.ts';
import { openLedger, readConnection } from '../../library/connection.ts';
import { readDatasets } from '../../library/dataset-list.ts';
import { newestPoint } from '../../library/open-contracts.ts';
import { datasetKeyOf } from '../../library/opened-owner.ts';
import { requireOcasc } from '../../library/require-contract.ts';
import { withKeystoreOptions } from '../command-options.ts';
import { EXIT } from '../exit-codes.ts';
import { runCommand } from '../run-command.ts';
import { agentFileText } from './agent-file.ts';
import { openOwner } from './owner-home.ts';

interface AgentOptions {
  readonly out: string;
  readonly replace?: boolean;
  readonly json?: boolean;
}

/** Adds `plumb owner agent`: writes what `plumb owner serve` needs. */
export function addOwnerAgent(owner: Command): void {
  const command = owner
    .command('agent')
    .description("Write the agent's file (mode 0600), which serves sales: the agent's account, and the datasets' keys.")
    .option('--out <file>', 'file to create', 'agent.json')
    .option('--replace', 'replace the file, for example after adding a dataset')
    .addHelpText('after', EXAMPLES);
  withKeystoreOptions(command).action((options: AgentOptions) =>
    runCommand(options, async (context) => {
      const connection = await readConnection(context);
      const opened = await openOwner(context);
      const { rpcUrl, chainId, finalDepth, dissc, apiUrl, fromBlock } = connection;
      const { agentKey, offersSecret } = deriveAgentSecrets(nodePrimitives, opened.seed);
      const { signal } = context;
      const { blockNumber } = await newestPoint(connection, signal);
      const owned = { owner: opened.address };
      const onChain = await openLedger(connection).findChartered(owned, fromBlock, blockNumber, signal);
      const datasets = (await readDatasets(context.home)).map(({ name, dataset, charters }) => {
        const keyOf = datasetKeyOf(opened, dataset);
        const keys = serialsOf(dataset, charters, onChain).map((serial) => ({ serial, datasetKey: keyOf(serial) }));
        return { name, dataset, keys };
      });
      const text = agentFileText({
        ...{ rpcUrl, chainId, finalDepth, dissc, ocasc: requireOcasc(connection), apiUrl, fromBlock },
        ...{ owner: opened.address, agentKey, offersSecret, datasets },
      });
      const path = resolve(options.out);
      await (options.replace === true ? replaceSecretFile : createSecretFile)(path, text);
      const agent = accountOfKey(agentKey);
      context.output.result(
        { path, agent, datasets: datasets.map(({ dataset }) => dataset) },
        `Wrote ${path} (mode 0600), for ${datasets.length} dataset${datasets.length === 1 ? '' : 's'}. Whoever has it can read them, but cannot spend.\n` +
          `Agent ${agent}: give it a little ether for gas (local stack: plumb local admit ${agent} --fund-only).\n` +
          `Then: plumb owner serve --agent ${options.out}`,
      );
      return EXIT.ok;
    }),
  );
}

/** Those of all charters that are known here or on the chain; one that named no new device gives a key that opens nothing. */
function serialsOf(dataset: DatasetId, known: readonly SignedCharter[], onChain: readonly ChainCharter[]): number[] {
  const found = onChain.filter((charter) => charter.dataset === dataset).map(({ charter }) => charter.serial);
  return [...new Set([...known.map(({ serial }) => serial), ...found])].sort((a, b) => a - b);
}

const EXAMPLES = `
Write it again with --replace after adding a dataset or a device, because each device has keys of its own.

Examples:
  plumb owner agent --out agent.json
  plumb owner agent --out agent.json --replace`;
