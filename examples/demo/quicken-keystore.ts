import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { createKeystore, readKeystore, SCRYPT_N_RANDOM_PASSWORD } from '../../adapters/keys/keystore.ts';

/**
 * Writes the keystore of a home anew with the cheaper scrypt, as every command opens it: the demo's password is random, and in
 * tests what a person's password costs is the business of the keystore's own.
 */
export async function quickenKeystore(home: string, password: string): Promise<void> {
  const path = join(home, 'keystore.json');
  const content = await readKeystore(path, password);
  await rm(path);
  await createKeystore(path, content, password, SCRYPT_N_RANDOM_PASSWORD);
}
