import type { Command } from 'commander';
import { parseMnemonic } from '../../adapters/keys/mnemonic.ts';
import { readSecretFile } from '../../adapters/keys/secret-file.ts';
import { inFile } from '../../core/parse-outside.ts';
import { withKeystoreOptions } from '../command-options.ts';
import { EXIT } from '../exit-codes.ts';
import { choosePassword, readPassword } from '../prompt-password.ts';
import { runCommand } from '../run-command.ts';
import { createOwnerHome, requireNoOwner } from './owner-home.ts';

interface RestoreOptions {
  readonly mnemonicFile?: string;
  readonly json?: boolean;
}

/** Adds `plumb owner restore`. */
export function addOwnerRestore(owner: Command): void {
  const command = owner
    .command('restore')
    .description('Make the keystore again from the mnemonic, on this or another machine.')
    .option('--mnemonic-file <file>', 'read the mnemonic from this file (mode 0600) instead of asking')
    .addHelpText('after', EXAMPLES);
  withKeystoreOptions(command).action((options: RestoreOptions) =>
    runCommand(options, async (context) => {
      await requireNoOwner(context.home);
      const mnemonic = await readMnemonic(options.mnemonicFile, context.signal);
      const password = await choosePassword(context.passwordFile, context.signal);
      const { account } = await createOwnerHome(context, mnemonic, password);
      context.output.result(
        { account, home: context.home },
        `Owner account ${account} is restored in ${context.home}.\nDatasets are found by their ids; give them names again with: plumb dataset create NAME (which opens nothing twice).`,
      );
      return EXIT.ok;
    }),
  );
}

async function readMnemonic(file: string | undefined, signal: AbortSignal): Promise<string> {
  if (file === undefined) return parseMnemonic(await readPassword(undefined, 'Mnemonic:', signal));
  const words = await readSecretFile(file);
  return inFile(file, () => parseMnemonic(words));
}

const EXAMPLES = `
Examples:
  plumb owner restore
  plumb owner restore --mnemonic-file ./mnemonic --password-file ./password`;
