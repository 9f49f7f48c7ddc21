import type { Command } from 'commander';
import { withHome } from '../command-options.ts';
import { EXIT } from '../exit-codes.ts';
import { runCommand } from '../run-command.ts';
import { findHolder } from './find-holder.ts';
import { heldText } from './held-text.ts';

/** Adds `plumb keys status`, which `plumb keys` is alone. */
export function addKeysStatus(keys: Command, word?: string): void {
  const command = keys
    .command('status', { isDefault: word === undefined })
    .description("Say whether this home's keys are unlocked, and until when.")
    .addHelpText('after', EXAMPLES);
  withHome(command).action((options) =>
    runCommand(options, async ({ home, output }) => {
      const found = await findHolder(home);
      if (found === null) {
        output.result({ unlocked: false, home }, `The keys of ${home} are locked. To unlock them: plumb keys unlock`);
        return EXIT.ok;
      }
      const { place: _, ...held } = found;
      output.result({ unlocked: true, home, ...held }, heldText(held));
      return EXIT.ok;
    }),
  );
}

const EXAMPLES = `
Examples:
  plumb keys
  plumb keys status --json      {unlocked, home}; and account, keystore, pid, untilMs, remainingMs where it is unlocked
Exit codes: 0 it is known, 2 the socket's folder is not yours alone, 3 the key holder does not answer.`;
