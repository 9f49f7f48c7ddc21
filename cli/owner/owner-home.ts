import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod';
import { nodePrimitives } from '../../adapters/crypto/node-primitives.ts';
import { createKeystore, readKeystore } from '../../adapters/keys/keystore.ts';
import { deviceKey, mnemonicSeed, ownerKey, signMessage } from '../../adapters/keys/mnemonic.ts';
import { isMissingFile, readSecretFile, replaceSecretFile } from '../../adapters/keys/secret-file.ts';
import { utf8 } from '../../core/bytes.ts';
import { ArgumentError, FileError } from '../../core/errors.ts';
import { type Address, type DatasetId, type DatasetKey, datasetId, type PrivateKey } from '../../core/ids.ts';
import { deriveDatasetKey } from '../../core/keys.ts';
import { inFile } from '../../core/parse-outside.ts';
import { accountOfKey } from '../../core/typed-data.ts';
import { readPassword } from '../prompt-password.ts';
import type { CommandContext } from '../run-command.ts';

/** An owner whose keystore was opened, for the time of one command. */
export interface OpenedOwner {
  readonly address: Address;
  readonly privateKey: PrivateKey;
  readonly mnemonic: string;
  signMessage(message: Uint8Array): Promise<string>;
}

const datasetEntryFile = z.strictObject({
  name: z.string().min(1),
  dataset: z.string().regex(/^0x[0-9a-f]{64}$/),
  device: z.int().min(1),
  account: z.string().regex(/^0x[0-9a-f]{40}$/),
  plain: z.boolean(),
  published: z.boolean(),
});
const datasetsFile = z.strictObject({ datasets: z.array(datasetEntryFile) });

/** One line of the owner's `datasets.json`: nothing secret, and nothing that the mnemonic and the chain do not give. */
export type DatasetEntry = z.infer<typeof datasetEntryFile>;

const keystorePath = (home: string): string => join(home, 'keystore.json');
const datasetsPath = (home: string): string => join(home, 'datasets.json');

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
  const { privateKey, mnemonic } = await readKeystore(keystorePath(context.home), password);
  if (mnemonic === null) throw new FileError(`The keystore ${keystorePath(context.home)} holds no mnemonic.`);
  return {
    ...{ address: accountOfKey(privateKey), privateKey, mnemonic },
    signMessage: (message) => signMessage(privateKey, message),
  };
}

export function datasetKeyOf(owner: OpenedOwner, dataset: string): DatasetKey {
  return deriveDatasetKey(nodePrimitives, mnemonicSeed(owner.mnemonic), dataset as DatasetId);
}

export function deviceKeyOf(owner: OpenedOwner, device: number): PrivateKey {
  return deviceKey(owner.mnemonic, device);
}

export function deviceAccountOf(owner: OpenedOwner, device: number): Address {
  return accountOfKey(deviceKeyOf(owner, device));
}

/** The id behind a name of `datasets.json`, or an id given as it is. */
export async function findDataset(home: string, nameOrId: string): Promise<DatasetId> {
  if (/^0x[0-9a-fA-F]{64}$/.test(nameOrId)) return datasetId(nameOrId.toLowerCase());
  return (await datasetEntry(home, nameOrId)).dataset as DatasetId;
}

export async function datasetEntry(home: string, nameOrId: string): Promise<DatasetEntry> {
  const datasets = await readDatasets(home);
  const entry = datasets.find(({ name, dataset }) => name === nameOrId || dataset === nameOrId);
  if (entry !== undefined) return entry;
  const known = datasets.map(({ name }) => name).join(', ') || 'none';
  throw new ArgumentError(`There is no dataset ${nameOrId} in ${home}; known are: ${known}.`);
}

/** The datasets of `datasets.json`. */
export function listDatasets(home: string): Promise<DatasetEntry[]> {
  return readDatasets(home);
}

export async function nextDeviceNumber(home: string): Promise<number> {
  return Math.max(0, ...(await readDatasets(home)).map(({ device }) => device)) + 1;
}

export async function addDataset(home: string, entry: DatasetEntry): Promise<void> {
  await addDatasets(home, [entry]);
}

/** Enters datasets, all of them at once; entries of the same ids are replaced. */
export async function addDatasets(home: string, entries: readonly DatasetEntry[]): Promise<void> {
  const added = new Set(entries.map(({ dataset }) => dataset));
  const others = (await readDatasets(home)).filter(({ dataset }) => !added.has(dataset));
  await replaceSecretFile(datasetsPath(home), `${JSON.stringify({ datasets: [...others, ...entries] }, null, 2)}\n`);
}

/** The bytes32 that stands for a name on the chain: UTF-8, filled up with zeros. */
export function datasetName32(name: string): Uint8Array {
  const bytes = utf8(name);
  if (bytes.length < 1 || bytes.length > 32 || /^0x[0-9a-fA-F]{64}$/.test(name)) {
    throw new ArgumentError(`The name ${JSON.stringify(name)} has ${bytes.length} bytes; 1 to 32 are allowed.`);
  }
  const padded = new Uint8Array(32);
  padded.set(bytes);
  return padded;
}

/** All that are entered, in the order they were. */
export async function readDatasets(home: string): Promise<DatasetEntry[]> {
  let text: string;
  try {
    text = await readSecretFile(datasetsPath(home));
  } catch (error) {
    if (isMissingFile(error)) return [];
    throw error;
  }
  return inFile(datasetsPath(home), () => datasetsFile.parse(JSON.parse(text))).datasets;
}
