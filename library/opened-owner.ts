import { join } from 'node:path';
import { nodePrimitives } from '../adapters/crypto/node-primitives.ts';
import { readKeystore } from '../adapters/keys/keystore.ts';
import { openWithKey } from '../adapters/keys/keystore-key.ts';
import { mnemonicSeed, ownerKey, signMessage } from '../adapters/keys/mnemonic.ts';
import type { KeystoreContent } from '../adapters/keys/open-keystore.ts';
import { equalBytes } from '../core/bytes.ts';
import { FileError } from '../core/errors.ts';
import type { Address, DatasetId, DatasetKey, PrivateKey } from '../core/ids.ts';
import { deriveDatasetKey, deriveDeviceKey } from '../core/keys.ts';
import { accountOfKey } from '../core/typed-data.ts';

/** An owner, or a consumer, whose keys are open. */
export interface OpenedOwner {
  readonly address: Address;
  readonly privateKey: PrivateKey;
  readonly mnemonic: string;
  /** BIP-39 seed of the mnemonic, 64 bytes: every key of datasets and devices follows from it. */
  readonly seed: Uint8Array;
  signMessage(message: Uint8Array): Promise<string>;
}

/** Where a home keeps its keystore. */
export const keystorePath = (home: string): string => join(home, 'keystore.json');

/**
 * The owner of a home's keystore.
 * @throws KeyError when the password is wrong, FileError when there is no keystore or it holds no mnemonic
 */
export async function openKeystore(home: string, password: string): Promise<OpenedOwner> {
  const path = keystorePath(home);
  return ownerOf(await readKeystore(path, password), path);
}

/**
 * The owner of a home's keystore, by the key that is derived from its password.
 * @param json the keystore's text
 * @throws KeyError when it is the key of another one, FileError when it is no keystore or holds no mnemonic
 */
export function openKeystoreWithKey(home: string, json: string, key: Uint8Array): OpenedOwner {
  const path = keystorePath(home);
  return ownerOf(openWithKey(json, key, path), path);
}

function ownerOf({ privateKey, mnemonic }: KeystoreContent, path: string): OpenedOwner {
  if (mnemonic === null) throw new FileError(`The keystore ${path} holds no mnemonic.`);
  const owner = openedOwner(mnemonic);
  // What authenticates the file covers its private key alone.
  if (equalBytes(owner.privateKey, privateKey)) return owner;
  throw new FileError(
    `The mnemonic in the keystore ${path} is not that of its account. Restore it: plumb owner restore`,
  );
}

/** The owner of a mnemonic. */
export function openedOwner(mnemonic: string): OpenedOwner {
  const privateKey = ownerKey(mnemonic);
  return {
    address: accountOfKey(privateKey),
    privateKey,
    mnemonic,
    seed: mnemonicSeed(mnemonic),
    signMessage: (message) => signMessage(privateKey, message),
  };
}

/** The keys of a dataset's devices, by the serial of the first charter that names each. */
export function datasetKeyOf(owner: Pick<OpenedOwner, 'seed'>, dataset: DatasetId): (serial: number) => DatasetKey {
  const known = new Map<number, DatasetKey>();
  return (serial) => {
    const key = known.get(serial) ?? deriveDatasetKey(nodePrimitives, owner.seed, dataset, serial);
    known.set(serial, key);
    return key;
  };
}

/**
 * The private key of the device of this serial.
 * @throws ArgumentError for a serial that does not fit 32 bits
 */
export function deviceKeyOf(owner: Pick<OpenedOwner, 'seed'>, dataset: DatasetId, serial: number): PrivateKey {
  return deriveDeviceKey(nodePrimitives, owner.seed, dataset, serial);
}
