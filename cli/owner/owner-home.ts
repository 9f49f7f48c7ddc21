import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { createKeystore } from '../../adapters/keys/keystore.ts';
import { ownerKey } from '../../adapters/keys/mnemonic.ts';
import { readSecretFile } from '../../adapters/keys/secret-file.ts';
import { ArgumentError } from '../../core/errors.ts';
import type { Address } from '../../core/ids.ts';
import { accountOfKey } from '../../core/typed-data.ts';
import { keystorePath, type OpenedOwner, openKeystore } from '../../library/opened-owner.ts';
import { openUnlocked } from '../keys/open-unlocked.ts';
import { openByPassword } from '../prompt-password.ts';
import type { CommandContext } from '../run-command.ts';

/** Says so before anything is asked for. @throws ArgumentError when the folder holds an owner already */
export async function requireNoOwner(home: string): Promise<void> {
  if (!existsSync(keystorePath(home))) return;
  throw new ArgumentError(`${home} already holds an owner, and plumb never replaces keys. Give another --home.`);
}

/**
 * @param scryptN the default is for a password that a person chose
 * @throws FileError when the folder holds an owner already
 */
export async function createOwnerHome(
  context: Pick<CommandContext, 'home'>,
  mnemonic: string,
  password: string,
  scryptN?: number,
): Promise<{ account: Address }> {
  await mkdir(context.home, { recursive: true, mode: 0o700 });
  const privateKey = ownerKey(mnemonic);
  await createKeystore(keystorePath(context.home), { privateKey, mnemonic }, password, scryptN);
  return { account: accountOfKey(privateKey) };
}

/** The owner of the command's home, for the time of one command. */
export async function openOwner(context: CommandContext): Promise<OpenedOwner> {
  // Whether there is one is known before its password is asked for.
  const json = await readSecretFile(keystorePath(context.home));
  const unlocked = context.passwordFile === undefined ? await openUnlocked(context, json) : null;
  if (unlocked !== null) return unlocked;
  return openByPassword(context, (password) => openKeystore(context.home, password));
}
