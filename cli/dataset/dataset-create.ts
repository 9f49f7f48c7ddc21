import type { Command } from 'commander';
import { createKeySigner } from '../../adapters/ethereum/account-signer.ts';
import { createDisscOwner } from '../../adapters/ethereum/dissc-owner.ts';
import { withKeystoreOptions } from '../command-options.ts';
import { readConnection } from '../connection.ts';
import { EXIT } from '../exit-codes.ts';
import { addDataset, datasetName32, deviceAccountOf, nextDeviceNumber, openOwner } from '../owner/owner-home.ts';
import { parseCount } from '../parse-arguments.ts';
import { runCommand } from '../run-command.ts';

interface CreateOptions {
  readonly device?: number;
  readonly plain?: boolean;
  readonly published?: boolean;
  readonly json?: boolean;
}

/** Adds `plumb dataset create`. */
export function addDatasetCreate(dataset: Command): void {
  const command = dataset
    .command('create')
    .description("Open a dataset on the chain: one device's log. It costs gas of the owner's account.")
    .argument('<name>', 'name of the dataset, at most 32 bytes')
    .option('--device <number>', 'number of the device account to derive (default: the next unused)', parseCount)
    .option('--plain', 'store content unencrypted, for life')
    .option('--published', 'publish the sealed digests on the chain too (about 23 times the gas)')
    .addHelpText('after', EXAMPLES);
  withKeystoreOptions(command).action((name: string, options: CreateOptions) =>
    runCommand(options, async (context) => {
      const name32 = datasetName32(name);
      const opened = await openOwner(context);
      const connection = await readConnection(context);
      const device = options.device ?? (await nextDeviceNumber(context.home));
      const account = deviceAccountOf(opened, device);
      const chain = createDisscOwner({ ...connection, signer: createKeySigner(opened.privateKey) });
      context.output.progress('Opening the dataset on the chain …');
      const { datasets, transaction } = await chain.openDatasets([{ name: name32, device: account }], context.signal);
      const entry = {
        ...{ name, dataset: datasets[0] as string, device, account },
        ...{ plain: options.plain === true, published: options.published === true },
      };
      await addDataset(context.home, entry);
      context.output.result(
        { ...entry, transaction },
        [
          `Dataset ${name}: ${entry.dataset}`,
          `  device        number ${device}, account ${account}`,
          `  content       ${entry.plain ? 'plain' : 'encrypted'}; digests ${entry.published ? 'published' : 'rooted'}`,
          transaction === null ? '  It was open already.' : `  transaction   ${transaction.txHash}`,
          `Next: plumb device provision ${name} --out device.json`,
        ].join('\n'),
      );
      return EXIT.ok;
    }),
  );
}

const EXAMPLES = `
Examples:
  plumb dataset create weather
  plumb dataset create load --plain --device 7`;
