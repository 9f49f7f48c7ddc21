import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { type Command, InvalidArgumentError } from 'commander';
import { nodePrimitives } from '../../adapters/crypto/node-primitives.ts';
import { createSecretFile } from '../../adapters/keys/secret-file.ts';
import { type Replacement, replaceDevice } from '../../client/owner/replace-device.ts';
import type { SignedCharter } from '../../core/charter/charter.ts';
import { FileError } from '../../core/errors.ts';
import { openBucket, openLedger, openService, readConnection } from '../../library/connection.ts';
import { addDatasets, datasetEntry, entryOf } from '../../library/dataset-list.ts';
import { openDisscOwner } from '../../library/open-contracts.ts';
import { withKeystoreOptions } from '../command-options.ts';
import { EXIT } from '../exit-codes.ts';
import { noticeLoopback } from '../loopback-notice.ts';
import { disownedText } from '../owner/get-text.ts';
import { openOwner } from '../owner/owner-home.ts';
import { runCommand } from '../run-command.ts';
import { provisionText } from './provision-text.ts';

interface ReplaceOptions {
  readonly from?: number;
  readonly out: string;
  readonly json?: boolean;
}

/** Adds `plumb device replace`: another device for a dataset, by a charter on the chain. */
export function addDeviceReplace(device: Command): void {
  const command = device
    .command('replace')
    .description("Replace a dataset's device on the chain, and write the new device's provision file. Costs gas.")
    .argument('<dataset>', 'name or id of the dataset')
    .option('--from <block>', 'first block of the new device (default: after everything stored so far)', parseIndex)
    .option('--out <file>', "the new device's file to create; never replaces an existing one", 'device.json')
    .addHelpText('after', EXAMPLES);
  withKeystoreOptions(command).action((name: string, options: ReplaceOptions) =>
    runCommand(options, async (context) => {
      const { home, output, signal } = context;
      const path = resolve(options.out);
      // Before anything is paid for.
      if (existsSync(path))
        throw new FileError(`${path} exists already, and is never replaced. Give another name: --out FILE`);
      const entry = await datasetEntry(home, name);
      const connection = await readConnection(context);
      const opened = await openOwner(context);
      const bucket = await openBucket(connection);
      try {
        const deps = {
          primitives: nodePrimitives,
          sources: {
            ledger: openLedger(connection),
            fromBlock: connection.fromBlock,
            service: await openService(connection, opened, 'http'),
            bucket,
          },
          chain: openDisscOwner(context, connection, opened),
          nowSeconds: () => Math.floor(Date.now() / 1000),
        };
        output.progress('Sending the charter of the new device to the chain …');
        const target = { dataset: entry.dataset, kept: entry.charters, from: options.from ?? null };
        const replaced = await replaceDevice(deps, opened, target, signal);
        const charters = replaced.charters as readonly [SignedCharter, ...SignedCharter[]];
        const replacedEntry = entryOf(entry.dataset, charters, entry.published);
        await addDatasets(home, [replacedEntry]);
        await createSecretFile(path, provisionText(opened, connection, replacedEntry));
        noticeLoopback(output, connection);
        const { device: account, serial, from } = replaced.charter;
        const { disowned, disownedStored, unshown } = replaced;
        const transactions = replaced.transactions.map(({ txHash }) => txHash);
        output.result(
          { dataset: entry.dataset, account, serial, from, transactions, disowned, disownedStored, unshown, path },
          reportText(entry.name, path, replaced),
        );
        return EXIT.ok;
      } finally {
        bucket?.close();
      }
    }),
  );
}

function reportText(name: string, path: string, replaced: Replacement): string {
  const { charter, transactions, disowned, disownedStored, unshown } = replaced;
  return [
    `Device ${charter.device} now writes dataset ${name} from block ${charter.from} on (charter ${charter.serial}).`,
    ...transactions.map(({ txHash }) => `  transaction   ${txHash}`),
    ...disowned.map((one) => `  ${disownedText(one)}`),
    ...(disownedStored === null
      ? []
      : [
          `  blocks ${disownedStored.from} to ${disownedStored.to}: an earlier device stored these but nobody recorded them; the new device does not take them over`,
        ]),
    ...(unshown === null
      ? []
      : [`  The service does not have the charter yet: ${unshown} It will read it from the chain.`]),
    `Wrote ${path} (mode 0600). Copy it to the new device over a channel you trust, then delete it here.`,
  ].join('\n');
}

function parseIndex(text: string): number {
  const index = Number(text);
  if (!/^[0-9]{1,15}$/.test(text)) throw new InvalidArgumentError(`${text} is not a block number such as 0 or 1024.`);
  return index;
}

const EXAMPLES = `
If a device is lost: the new one takes over what the old one has stored, and continues after it.
If a device is stolen: name the first block that you do not trust. Whatever the old device signed from there on is disowned:
reports name those blocks, but audits and completeness leave them out. Nothing is removed.

Examples:
  plumb device replace weather --out weather-2.json
  plumb device replace weather --from 20480`;
