import { randomBytes } from 'node:crypto';
import { resolve } from 'node:path';
import type { Command } from 'commander';
import { createKeystore, SCRYPT_N_RANDOM_PASSWORD } from '../../adapters/keys/keystore.ts';
import { createSecretFile } from '../../adapters/keys/secret-file.ts';
import type { PrivateKey } from '../../core/ids.ts';
import { accountOfKey } from '../../core/typed-data.ts';
import { withJson } from '../command-options.ts';
import { EXIT } from '../exit-codes.ts';
import { runCommand } from '../run-command.ts';

interface KeyOptions {
  readonly out: string;
  readonly passwordFile: string;
  readonly json?: boolean;
}

/** Adds `plumb service key`. */
export function addServiceKey(service: Command): void {
  const command = service
    .command('key')
    .description('Make a new key for recording: a keystore, and a file with its password. Never replaces a file.')
    .requiredOption('--out <file>', 'the keystore to write (mode 0600)')
    .requiredOption('--password-file <file>', 'the file to write its password to (mode 0600)')
    .addHelpText('after', EXAMPLES);
  withJson(command).action((options: KeyOptions) =>
    runCommand(options, async ({ output }) => {
      const [keystore, passwordFile] = [resolve(options.out), resolve(options.passwordFile)];
      const privateKey = new Uint8Array(randomBytes(32)) as PrivateKey;
      const password = randomBytes(32).toString('hex');
      // The password first: a keystore that nothing opens would look like a key.
      await createSecretFile(passwordFile, `${password}\n`);
      await createKeystore(keystore, { privateKey, mnemonic: null }, password, SCRYPT_N_RANDOM_PASSWORD);
      const account = accountOfKey(privateKey);
      output.result(
        { account, keystore, passwordFile },
        [
          `Account ${account}: keystore ${keystore}, password in ${passwordFile}.`,
          'Keep a copy of both. Send the account ether before the service records with it.',
        ].join('\n'),
      );
      return EXIT.ok;
    }),
  );
}

const EXAMPLES = `
Example:
  plumb service key --out relayer.json --password-file relayer.password`;
