import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Command } from 'commander';
import { createSecretFile } from '../../adapters/keys/secret-file.ts';
import { FileError } from '../../core/errors.ts';
import { readConnection } from '../../library/connection.ts';
import { datasetEntry } from '../../library/dataset-list.ts';
import { withKeystoreOptions } from '../command-options.ts';
import { EXIT } from '../exit-codes.ts';
import { noticeLoopback } from '../loopback-notice.ts';
import { openOwner } from '../owner/owner-home.ts';
import { runCommand } from '../run-command.ts';
import { provisionText } from './provision-text.ts';

interface ProvisionOptions {
  readonly out: string;
  readonly json?: boolean;
}

/** Adds `plumb device provision`: writes the one file a device needs. */
export function addDeviceProvision(device: Command): void {
  const command = device
    .command('provision')
    .description(
      "Write a device's provision file (mode 0600). It holds the device's own key and its dataset's key, nothing else.",
    )
    .argument('<dataset>', 'name or id of the dataset')
    .option('--out <file>', 'file to create; never replaces an existing one', 'device.json')
    .addHelpText('after', EXAMPLES);
  withKeystoreOptions(command).action((name: string, options: ProvisionOptions) =>
    runCommand(options, async (context) => {
      const entry = await datasetEntry(context.home, name);
      const path = resolve(options.out);
      const connection = await readConnection(context);
      if (existsSync(path))
        throw new FileError(`${path} exists already, and is never replaced. Give another name: --out FILE`);
      const opened = await openOwner(context);
      await createSecretFile(path, provisionText(opened, connection, entry));
      noticeLoopback(context.output, connection);
      context.output.result(
        { path, dataset: entry.dataset, account: entry.charters.at(-1)?.device },
        `Wrote ${path} (mode 0600). Copy it to the device over a channel you trust, then delete it here.\n` +
          'On the device: plumb device run --provision device.json --source dir:/var/readings --every 10s',
      );
      return EXIT.ok;
    }),
  );
}

const EXAMPLES = `
Example:
  plumb device provision weather --out device.json`;
