import { resolve } from 'node:path';
import type { Command } from 'commander';
import { createMnemonic } from '../../adapters/keys/mnemonic.ts';
import { createSecretFile } from '../../adapters/keys/secret-file.ts';
import { InvalidInputError } from '../../core/errors.ts';
import { EXIT } from '../exit-codes.ts';
import { choosePassword } from '../prompt-password.ts';
import { runCommand, withOwnerOptions } from '../run-command.ts';
import { createOwnerHome, requireNoOwner } from './owner-home.ts';

interface InitOptions {
  readonly mnemonicOut?: string;
  readonly json?: boolean;
}

/** Adds `plumb owner init`. */
export function addOwnerInit(owner: Command): void {
  const command = owner
    .command('init')
    .description('Make a new owner: a mnemonic, shown once, and an encrypted keystore of it.')
    .option('--mnemonic-out <file>', 'write the mnemonic to this new file (mode 0600) instead of showing it')
    .addHelpText('after', EXAMPLES);
  withOwnerOptions(command).action((options: InitOptions) =>
    runCommand(options, async (context) => {
      if (context.output.json && options.mnemonicOut === undefined) {
        throw new InvalidInputError(
          'With --json the mnemonic is not printed, as such output is often kept. Give --mnemonic-out FILE.',
        );
      }
      await requireNoOwner(context.home);
      const mnemonic = createMnemonic();
      const password = await choosePassword(context.passwordFile, context.signal);
      if (options.mnemonicOut !== undefined) await createSecretFile(resolve(options.mnemonicOut), `${mnemonic}\n`);
      const { account } = await createOwnerHome(context, mnemonic, password);
      const shown =
        options.mnemonicOut === undefined
          ? `Your mnemonic, shown this once. Write it down: it is the backup of every key, and whoever reads it is the owner.\n\n  ${mnemonic}\n`
          : `The mnemonic is in ${resolve(options.mnemonicOut)}.`;
      context.output.result(
        { account, home: context.home, mnemonicOut: options.mnemonicOut ?? null },
        `${shown}\nOwner account ${account}, keystore in ${context.home}.\nNext, on a local stack: plumb local admit ${account}\nThen: plumb dataset create NAME`,
      );
      return EXIT.ok;
    }),
  );
}

const EXAMPLES = `
Examples:
  plumb owner init
  plumb owner init --password-file ./password --mnemonic-out ./mnemonic --json`;
