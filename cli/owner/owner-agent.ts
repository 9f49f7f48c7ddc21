import { resolve } from 'node:path';
import type { Command } from 'commander';
import { createSecretFile, replaceSecretFile } from '../../adapters/keys/secret-file.ts';
import { accountOfKey } from '../../core/typed-data.ts';
import { agentFileText } from '../../library/agent-file.ts';
import { readConnection } from '../../library/connection.ts';
import { readDatasets } from '../../library/dataset-list.ts';
import { openAgent } from '../../library/open-agent.ts';
import { withKeystoreOptions } from '../command-options.ts';
import { EXIT } from '../exit-codes.ts';
import { runCommand } from '../run-command.ts';
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
      const agentFile = await openAgent(connection, opened, await readDatasets(context.home), context.signal);
      const { datasets } = agentFile;
      const path = resolve(options.out);
      await (options.replace === true ? replaceSecretFile : createSecretFile)(path, agentFileText(agentFile));
      const agent = accountOfKey(agentFile.agentKey);
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

const EXAMPLES = `
Write it again with --replace after adding a dataset or a device, because each device has keys of its own.

Examples:
  plumb owner agent --out agent.json
  plumb owner agent --out agent.json --replace`;
