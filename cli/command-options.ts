import { homedir } from 'node:os';
import { join } from 'node:path';
import { type Command, Option } from 'commander';

/** Where keys are kept when nobody says where. */
export const DEFAULT_HOME = join(homedir(), '.plumbline');

/** Options of whoever holds keys, be it an owner or a consumer: where they are, and what opens them. */
export function withKeystoreOptions(command: Command): Command {
  return withHomeOptions(command).addOption(
    new Option('--password-file <file>', 'read the keystore password from this file (mode 0600) instead of asking').env(
      'PLUMB_PASSWORD_FILE',
    ),
  );
}

/** Options of a command that reads a home folder or a stack, and needs no key. */
export function withHomeOptions(command: Command): Command {
  return withJson(command)
    .addOption(
      new Option('--home <folder>', 'keystore, connection.json and what this account keeps')
        .env('PLUMB_HOME')
        .default(DEFAULT_HOME),
    )
    .addOption(new Option('--stack <file>', 'stack.json of a local stack to use').env('PLUMB_STACK'));
}

export function withJson(command: Command): Command {
  return command.option('--json', 'print one JSON object (or one a line) instead of text');
}
