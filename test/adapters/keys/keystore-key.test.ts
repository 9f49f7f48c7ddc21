import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { createKeystore, readKeystore, SCRYPT_N_RANDOM_PASSWORD } from '../../../adapters/keys/keystore.ts';
import { deriveKeystoreKey, openWithKey } from '../../../adapters/keys/keystore-key.ts';
import { createMnemonic, ownerKey } from '../../../adapters/keys/mnemonic.ts';
import { FileError, KeyError } from '../../../core/errors.ts';
import { openKeystore, openKeystoreWithKey } from '../../../library/opened-owner.ts';

// Composed and decomposed, as two keyboards type it.
const PASSWORD = 'Bl\u00fcte \ufb01ve';
const DECOMPOSED = 'Blu\u0308te five';

let home: string;
let path: string;
let json: string;
const mnemonic = createMnemonic();

before(async () => {
  home = mkdtempSync(join(tmpdir(), 'plumbline-key-'));
  path = join(home, 'keystore.json');
  await createKeystore(path, { privateKey: ownerKey(mnemonic), mnemonic }, PASSWORD, SCRYPT_N_RANDOM_PASSWORD);
  json = readFileSync(path, 'utf8');
});
after(() => rmSync(home, { recursive: true, force: true }));

describe('the key of a keystore', () => {
  test('opens what its password opens, with the same content, however the password is composed', async () => {
    const opened = openWithKey(json, await deriveKeystoreKey(json, PASSWORD, path), path);
    assert.deepEqual(opened, await readKeystore(path, PASSWORD));
    assert.deepEqual(opened, openWithKey(json, await deriveKeystoreKey(json, DECOMPOSED, path), path));
    assert.deepEqual(opened, { privateKey: ownerKey(mnemonic), mnemonic });
  });

  test('of a keystore without mnemonic opens its private key', async () => {
    const plain = join(home, 'relayer.json');
    const privateKey = ownerKey(createMnemonic());
    await createKeystore(plain, { privateKey, mnemonic: null }, PASSWORD, SCRYPT_N_RANDOM_PASSWORD);
    const text = readFileSync(plain, 'utf8');
    const key = await deriveKeystoreKey(text, PASSWORD, plain);
    assert.deepEqual(openWithKey(text, key, plain), { privateKey, mnemonic: null });
    // The same password, another keystore.
    assert.throws(() => openWithKey(json, key, path), KeyError);
  });

  test('is refused when it comes from a wrong password, is cut, or is zeros', async () => {
    const key = await deriveKeystoreKey(json, PASSWORD, path);
    const wrong = await deriveKeystoreKey(json, `${PASSWORD} `, path);
    for (const one of [wrong, key.subarray(0, 63), new Uint8Array(64), new Uint8Array(0)]) {
      assert.throws(() => openWithKey(json, one, path), KeyError);
    }
  });

  test('is not derived for a file that is no keystore of ours, or that asks for too much memory', async () => {
    const other = (change: (file: { Crypto: { kdf: string; kdfparams: { n: number } } }) => void): string => {
      const file = JSON.parse(json);
      change(file);
      return JSON.stringify(file);
    };
    const files = [
      '{}',
      'no JSON',
      other((file) => {
        file.Crypto.kdf = 'pbkdf2';
      }),
      other((file) => {
        file.Crypto.kdfparams.n = 2 ** 24;
      }),
      other((file) => {
        file.Crypto.kdfparams.n = 4097;
      }),
    ];
    for (const file of files) {
      await assert.rejects(deriveKeystoreKey(file, PASSWORD, path), (error: Error) => {
        assert.ok(error instanceof FileError, error.message);
        assert.match(error.message, /It is not a keystore that this program wrote\.$/);
        return true;
      });
    }
  });
});

test('a keystore whose mnemonic was altered opens no other owner, by key or by password', async () => {
  const file = JSON.parse(json);
  const sealed: string = file['x-ethers'].mnemonicCiphertext;
  file['x-ethers'].mnemonicCiphertext = (sealed.startsWith('0') ? '1' : '0') + sealed.slice(1);
  const altered = JSON.stringify(file);
  const refused = (error: Error) => error instanceof FileError && /is not that of its account/.test(error.message);
  const key = await deriveKeystoreKey(altered, PASSWORD, path);
  assert.throws(() => openKeystoreWithKey(home, altered, key), refused);
  assert.equal(openKeystoreWithKey(home, json, key).mnemonic, mnemonic);
  assert.equal((await openKeystore(home, PASSWORD)).mnemonic, mnemonic);
});
