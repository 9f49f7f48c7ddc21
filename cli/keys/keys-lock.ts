import { rmSync } from 'node:fs';
import type { Command } from 'commander';
import { askHolder } from '../../adapters/keys/holder/ask-holder.ts';
import { type SocketPlace, statPrivateSocket } from '../../adapters/keys/holder/socket-place.ts';
import { AnswerError, StateError } from '../../core/errors.ts';
import { withHome } from '../command-options.ts';
import { EXIT } from '../exit-codes.ts';
import { runCommand } from '../run-command.ts';
import { placesOf } from './find-holder.ts';

/** Adds `plumb keys lock`. */
export function addKeysLock(keys: Command): void {
  const command = keys
    .command('lock')
    .description('Forget what was unlocked: the next command asks for the password again.')
    .addHelpText('after', EXAMPLES);
  withHome(command).action((options) =>
    runCommand(options, async ({ home, output }) => {
      const { places } = placesOf(home);
      const accounts: string[] = [];
      for (const place of places) accounts.push(...(await lockAt(place)));
      const looked = places.map(({ folder }) => folder).join(' and ');
      output.result(
        { locked: accounts.length > 0, home, accounts },
        accounts.length > 0
          ? `Locked the keys of ${accounts.join(' and ')}.`
          : `Nothing was unlocked: no key holder of ${home} listens in ${looked}.`,
      );
      return EXIT.ok;
    }),
  );
}

/** @returns the account whose keys were held there */
async function lockAt(place: SocketPlace): Promise<readonly string[]> {
  try {
    const held = await askHolder(place, { ask: 'status' });
    const locked = await askHolder(place, { ask: 'lock' });
    // What a killed holder left behind is no secret, and in nobody's way.
    if (locked === null && statPrivateSocket(place.socket) !== null) rmSync(place.socket, { force: true });
    return held?.answer.state === 'held' && locked !== null ? [held.answer.account] : [];
  } catch (error) {
    if (!(error instanceof AnswerError)) throw error;
    rmSync(place.socket, { force: true });
    throw new StateError(
      `${error.shortMessage} Its socket was removed, so nobody can ask it any more, and it ends when it runs again. To be sure, end the process: pgrep -u "$USER" -f 'keys hold'`,
    );
  }
}

const EXAMPLES = `
Examples:
  plumb keys lock
  plumb keys lock --home ./owner --json      {locked, home, accounts}
Exit codes: 0 nothing is unlocked any more, 2 the socket's folder is not yours alone, 6 the key holder does not answer.`;
