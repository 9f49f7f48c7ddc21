import { type Command, InvalidArgumentError, Option } from 'commander';
import { askHolder } from '../../adapters/keys/holder/ask-holder.ts';
import { requireShort, statPrivateFolder } from '../../adapters/keys/holder/socket-place.ts';
import { deriveKeystoreKey } from '../../adapters/keys/keystore-key.ts';
import { readSecretFile } from '../../adapters/keys/secret-file.ts';
import { PlumblineError, StateError } from '../../core/errors.ts';
import { keystorePath, openKeystoreWithKey } from '../../library/opened-owner.ts';
import { withHome, withPasswordFile } from '../command-options.ts';
import { parseDuration } from '../device/parse-units.ts';
import { EXIT } from '../exit-codes.ts';
import { openByPassword } from '../prompt-password.ts';
import { runCommand } from '../run-command.ts';
import { placesOf } from './find-holder.ts';
import { heldText } from './held-text.ts';
import { keystoreSha256 } from './open-unlocked.ts';
import { startHolder } from './start-holder.ts';

const DEFAULT_FOR = '15m';
const LEAST_MS = 60_000;
const MOST_MS = 8 * 3_600_000;

interface UnlockOptions {
  readonly for: number;
  readonly json?: boolean;
}

/** Adds `plumb keys unlock`. */
export function addKeysUnlock(keys: Command): void {
  const command = keys
    .command('unlock')
    .description('Ask for the password once, and let the commands of this home do without it for a time.')
    .addHelpText('after', EXAMPLES);
  command.addOption(
    new Option('--for <duration>', 'how long, from 1m to 8h')
      .argParser(parseFor)
      .default(parseFor(DEFAULT_FOR), DEFAULT_FOR),
  );
  withPasswordFile(withHome(command)).action((options: UnlockOptions) =>
    runCommand(options, async (context) => {
      const { home, output, passwordFile, signal } = context;
      const path = keystorePath(home);
      const json = await readSecretFile(path);
      const { places, passedOver } = placesOf(home);
      const [place] = places;
      if (place === undefined) {
        throw new StateError(
          'Keys can be unlocked only where Unix sockets are to be had, on Linux and macOS. Here each command asks, or reads --password-file FILE.',
        );
      }
      requireShort(place);
      statPrivateFolder(place.folder);
      if (passedOver !== null)
        output.notice(`XDG_RUNTIME_DIR cannot be used, so the socket lies in ${place.folder}. ${passedOver}`);
      const { key, account } = await openByPassword(context, async (password) => {
        const derived = await deriveKeystoreKey(json, password, path);
        return { key: derived, account: openKeystoreWithKey(home, json, derived).address };
      });
      try {
        // A time that was stated before ends here: the one that is stated now counts, even where it is shorter.
        for (const other of places) await askHolder(other, { ask: 'lock' }).catch(unlessOurs);
        const heldFor = { account, keystore: path, keystoreSha256: keystoreSha256(json) };
        await startHolder({ place, heldFor, forMs: options.for }, key, signal);
      } finally {
        key.fill(0);
      }
      const said = await askHolder(place, { ask: 'status' });
      if (said?.answer.state !== 'held')
        throw new StateError('The key holder ended as soon as it had begun. Try again.');
      const { state: _, ...held } = said.answer;
      if (passwordFile !== undefined) {
        output.notice('Commands that are given a password file, as this one was, read that and ask no key holder.');
      }
      output.result({ unlocked: true, home, ...held }, `${heldText(held)}\nTo lock them: plumb keys lock`);
      return EXIT.ok;
    }),
  );
}

function parseFor(text: string): number {
  const ms = parseDuration(text);
  if (ms >= LEAST_MS && ms <= MOST_MS) return ms;
  throw new InvalidArgumentError(`${text} is not between 1m and 8h. Unlock again when the time is over.`);
}

/** One that does not answer loses its socket to the new one, and ends by itself when it runs again. */
function unlessOurs(error: unknown): null {
  if (error instanceof PlumblineError) return null;
  throw error;
}

const EXAMPLES = `
A process of its own keeps what opens this keystore (not the password) in its memory alone, and gives it to commands that run as
you on this machine. Whoever can run programs as you can ask it, too. It forgets when the time is over, at "plumb keys lock",
when the keystore changes, and when it is killed. A password file (--password-file, PLUMB_PASSWORD_FILE) comes first.

Examples:
  plumb keys unlock                          for 15 minutes
  plumb keys unlock --for 2h
  plumb keys unlock --home ./owner --json    {unlocked, home, account, keystore, pid, untilMs, remainingMs}
Exit codes: 0 unlocked, 2 wrong password, arguments or files, 6 not possible on this system, 130 interrupted.`;
