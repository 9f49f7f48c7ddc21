import { readSecretFile } from '../adapters/keys/secret-file.ts';
import { ArgumentError, FileError, KeyError } from '../core/errors.ts';
import type { CommandContext } from './run-command.ts';

/**
 * The password of a keystore: from a 0600 file, else asked for on the terminal without echo. Never from an argument or
 * the environment, where other processes could read it.
 */
export async function readPassword(file: string | undefined, message: string, signal: AbortSignal): Promise<string> {
  if (file !== undefined) {
    const text = (await readSecretFile(file)).replace(/\r?\n$/, '');
    if (text === '') throw new FileError(`The password file ${file} is empty.`);
    return text;
  }
  if (process.stdin.isTTY !== true) {
    throw new ArgumentError('There is no terminal to ask for the password. Give --password-file FILE (mode 0600).');
  }
  // Loaded for whoever is asked; a password file needs no prompt.
  const { default: password } = await import('@inquirer/password');
  return password({ message, mask: '*' }, { signal, output: process.stderr });
}

const TRIES = 3;

/**
 * Opens what a password opens. One that was mistyped on a terminal is asked for again, three times in all. Whatever else of the
 * command can be wrong is checked before: nobody types a password for nothing.
 */
export async function openByPassword<T>(
  { passwordFile, output, signal }: Pick<CommandContext, 'passwordFile' | 'output' | 'signal'>,
  open: (password: string) => Promise<T>,
  ask: typeof readPassword = readPassword,
): Promise<T> {
  for (let tries = 1; ; tries++) {
    const password = await ask(passwordFile, 'Password of the keystore:', signal);
    try {
      return await open(password);
    } catch (error) {
      if (!(error instanceof KeyError) || passwordFile !== undefined || tries === TRIES) throw error;
      output.notice(`Wrong password. ${tries === TRIES - 1 ? 'One more try.' : 'Try again.'}`);
    }
  }
}

/** A new password, asked for twice on a terminal. */
export async function choosePassword(file: string | undefined, signal: AbortSignal): Promise<string> {
  const first = await readPassword(file, 'New password of the keystore:', signal);
  if (first.length < 8) throw new ArgumentError('The password has fewer than 8 characters. Choose a longer one.');
  if (file !== undefined) return first;
  const second = await readPassword(undefined, 'Repeat the password:', signal);
  if (first !== second) throw new ArgumentError('The two passwords differ. Nothing was written.');
  return first;
}
