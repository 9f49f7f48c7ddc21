import { homedir } from 'node:os';
import { join } from 'node:path';
import { type Command, Option } from 'commander';

/** Where keys are kept when nobody says where. */
export const DEFAULT_HOME = join(homedir(), '.plumbline');

/** Options of whoever holds keys, be it an owner or a consumer: where they are, and what opens them. */
export function withKeystoreOptions(command: Command): Command {
  return withPasswordFile(withHomeOptions(command));
}

/** Options of a command that reads a home folder or a stack, and needs no key. */
export function withHomeOptions(command: Command): Command {
  return withHome(command).addOption(
    new Option('--stack <file>', 'stack.json of a local stack to use').env('PLUMB_STACK'),
  );
}

/** Options of a command about a home folder alone. */
export function withHome(command: Command): Command {
  return withJson(command).addOption(
    new Option('--home <folder>', 'keystore, connection.json and what this account keeps')
      .env('PLUMB_HOME')
      .default(DEFAULT_HOME),
  );
}

/** What opens the keystore, where nobody is to be asked. */
export function withPasswordFile(command: Command): Command {
  return command.addOption(
    new Option('--password-file <file>', 'read the keystore password from this file (mode 0600) instead of asking').env(
      'PLUMB_PASSWORD_FILE',
    ),
  );
}

export function withJson(command: Command): Command {
  return command.option('--json', 'print one JSON object (or one a line) instead of text');
}
