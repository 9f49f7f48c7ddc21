import { resolve } from 'node:path';
import type { Command } from 'commander';
import { createMnemonic } from '../adapters/keys/mnemonic.ts';
import { createSecretFile } from '../adapters/keys/secret-file.ts';
import { ArgumentError } from '../core/errors.ts';
import { withKeystoreOptions } from './command-options.ts';
import { EXIT } from './exit-codes.ts';
import { createOwnerHome, requireNoOwner } from './owner/owner-home.ts';
import { choosePassword } from './prompt-password.ts';
import { runCommand } from './run-command.ts';

interface InitOptions {
  readonly mnemonicOut?: string;
  readonly json?: boolean;
}

/** Adds `init` to the commands of an owner or a consumer; `next` says what they would do next with their account. */
export function addInit(party: Command, who: 'owner' | 'consumer', next: (account: string) => string): void {
  const command = party
    .command('init')
    .description(`Make a new ${who}: a mnemonic, shown once, and an encrypted keystore.`)
    .option('--mnemonic-out <file>', 'write the mnemonic to this new file (mode 0600) instead of showing it')
    .addHelpText(
      'after',
      `
Examples:
  plumb ${who} init
  plumb ${who} init --password-file ./password --mnemonic-out ./mnemonic --json`,
    );
  withKeystoreOptions(command).action((options: InitOptions) =>
    runCommand(options, async (context) => {
      if (context.output.json && options.mnemonicOut === undefined) {
        throw new ArgumentError(
          '--json does not print the mnemonic, because programs often keep such output. Give --mnemonic-out FILE.',
        );
      }
      await requireNoOwner(context.home);
      const mnemonic = createMnemonic();
      const password = await choosePassword(context.passwordFile, context.signal);
      if (options.mnemonicOut !== undefined) await createSecretFile(resolve(options.mnemonicOut), `${mnemonic}\n`);
      const { account } = await createOwnerHome(context, mnemonic, password);
      const shown =
        options.mnemonicOut === undefined
          ? `Your mnemonic, shown only now. Write it down: it is the backup of every key, and whoever reads it becomes the ${who}.\n\n  ${mnemonic}\n`
          : `The mnemonic is in ${resolve(options.mnemonicOut)}.`;
      context.output.result(
        { account, home: context.home, mnemonicOut: options.mnemonicOut ?? null },
        `${shown}\n${who === 'owner' ? 'Owner' : 'Consumer'} account ${account}, keystore in ${context.home}.\n${next(account)}`,
      );
      return EXIT.ok;
    }),
  );
}
