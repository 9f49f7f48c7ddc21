import { readSecretFile } from '../adapters/keys/secret-file.ts';
import { ArgumentError, FileError } from '../core/errors.ts';

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
    throw new ArgumentError('No terminal to ask for the password. Give --password-file FILE (mode 0600).');
  }
  // Loaded for whoever is asked; a password file needs no prompt.
  const { default: password } = await import('@inquirer/password');
  return password({ message, mask: '*' }, { signal, output: process.stderr });
}

/** A new password, asked for twice on a terminal. */
export async function choosePassword(file: string | undefined, signal: AbortSignal): Promise<string> {
  const first = await readPassword(file, 'New password of the keystore:', signal);
  if (first.length < 8) throw new ArgumentError('The password has fewer than 8 characters. Choose a longer one.');
  if (file !== undefined) return first;
  const second = await readPassword(undefined, 'The same again:', signal);
  if (first !== second) throw new ArgumentError('The two passwords differ. Nothing was written.');
  return first;
}
