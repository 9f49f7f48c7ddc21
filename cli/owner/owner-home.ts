import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { nodePrimitives } from '../../adapters/crypto/node-primitives.ts';
import { createKeystore, readKeystore } from '../../adapters/keys/keystore.ts';
import { mnemonicSeed, ownerKey, signMessage } from '../../adapters/keys/mnemonic.ts';
import { ArgumentError, FileError } from '../../core/errors.ts';
import type { Address, DatasetId, DatasetKey, PrivateKey } from '../../core/ids.ts';
import { deriveDatasetKey, deriveDeviceKey } from '../../core/keys.ts';
import { accountOfKey } from '../../core/typed-data.ts';
import { readPassword } from '../prompt-password.ts';
import type { CommandContext } from '../run-command.ts';

/** An owner whose keystore was opened, for the time of one command. */
export interface OpenedOwner {
  readonly address: Address;
  readonly privateKey: PrivateKey;
  readonly mnemonic: string;
  /** BIP-39 seed of the mnemonic, 64 bytes: every key of datasets and devices follows from it. */
  readonly seed: Uint8Array;
  signMessage(message: Uint8Array): Promise<string>;
}

const keystorePath = (home: string): string => join(home, 'keystore.json');

/** Says so before anything is asked for. @throws ArgumentError when the folder holds an owner already */
export async function requireNoOwner(home: string): Promise<void> {
  if (!existsSync(keystorePath(home))) return;
  throw new ArgumentError(`${home} holds an owner already, and keys are never replaced. Give another --home.`);
}

/** @throws ArgumentError when the folder holds an owner already */
export async function createOwnerHome(
  context: CommandContext,
  mnemonic: string,
  password: string,
): Promise<{ account: Address }> {
  await mkdir(context.home, { recursive: true, mode: 0o700 });
  const privateKey = ownerKey(mnemonic);
  await createKeystore(keystorePath(context.home), { privateKey, mnemonic }, password);
  return { account: accountOfKey(privateKey) };
}

export async function openOwner(context: CommandContext): Promise<OpenedOwner> {
  const password = await readPassword(context.passwordFile, 'Password of the keystore:', context.signal);
  const { mnemonic } = await readKeystore(keystorePath(context.home), password);
  if (mnemonic === null) throw new FileError(`The keystore ${keystorePath(context.home)} holds no mnemonic.`);
  return openedOwner(mnemonic);
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

/** The private key of the device of this serial. */
export function deviceKeyOf(owner: Pick<OpenedOwner, 'seed'>, dataset: DatasetId, serial: number): PrivateKey {
  return deriveDeviceKey(nodePrimitives, owner.seed, dataset, serial);
}
