import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { type Command, Option } from 'commander';
import { type AccountSigner, createKeySigner } from '../../adapters/ethereum/account-signer.ts';
import { readKeystore } from '../../adapters/keys/keystore.ts';
import { readSecretFile } from '../../adapters/keys/secret-file.ts';
import { ArgumentError } from '../../core/errors.ts';
import { openOwner } from '../owner/owner-home.ts';
import { openByPassword } from '../prompt-password.ts';
import type { CommandContext } from '../run-command.ts';

/** Which account pays. */
export interface PayerOptions {
  readonly keystore?: string;
  readonly kms?: string;
  readonly region?: string;
}

export function withPayerOptions(command: Command): Command {
  return command
    .addOption(
      new Option('--home <folder>', 'folder of the owner whose account pays')
        .env('PLUMB_HOME')
        .default(join(homedir(), '.plumbline')),
    )
    .addOption(new Option('--keystore <file>', 'an encrypted keystore whose account pays instead').conflicts('kms'))
    .option('--password-file <file>', 'read the keystore password from this file (mode 0600) instead of asking')
    .option('--kms <key>', 'id, ARN or alias of a key in AWS KMS whose account pays instead')
    .addOption(
      new Option('--region <name>', "region of that key, with the environment's credentials").env('AWS_REGION'),
    );
}

/** The paying account; `close` it when done. */
export async function openPayer(
  context: CommandContext,
  { keystore, kms, region }: PayerOptions,
): Promise<AccountSigner & { close(): void }> {
  const close = (): void => {};
  if (kms !== undefined) {
    if (region === undefined) throw new ArgumentError('A key in KMS needs a region. Give --region NAME.');
    const { createKmsSigner } = await import('../../adapters/kms/kms-signer.ts');
    return createKmsSigner({ region, keyId: kms, endpoint: null, credentials: null }, context.signal);
  }
  if (keystore !== undefined) {
    const path = resolve(keystore);
    await readSecretFile(path);
    const { privateKey } = await openByPassword(context, (password) => readKeystore(path, password));
    return { ...createKeySigner(privateKey), close };
  }
  return { ...createKeySigner((await openOwner(context)).privateKey), close };
}
