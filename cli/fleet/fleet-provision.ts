import { mkdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { type Command, Option } from 'commander';
import { createKeySigner } from '../../adapters/ethereum/account-signer.ts';
import { createDisscOwner, type DisscOwner } from '../../adapters/ethereum/dissc-owner.ts';
import { isMissingFile, readSecretFile, replaceSecretFile } from '../../adapters/keys/secret-file.ts';
import { ArgumentError, FileError } from '../../core/errors.ts';
import type { Address, DatasetId } from '../../core/ids.ts';
import { deriveDatasetId } from '../../core/keys.ts';
import type { Parties } from '../../core/ports/ledger.ts';
import { withKeystoreOptions } from '../command-options.ts';
import { type Connection, openLedger, readConnection } from '../connection.ts';
import { provisionText } from '../device/provision-text.ts';
import { EXIT } from '../exit-codes.ts';
import {
  addDatasets,
  type DatasetEntry,
  datasetName32,
  deviceAccountOf,
  nextDeviceNumber,
  type OpenedOwner,
  openOwner,
  readDatasets,
} from '../owner/owner-home.ts';
import { parseCount } from '../parse-arguments.ts';
import { type CommandContext, runCommand } from '../run-command.ts';
import { nameFleet, readFleet, type WantedDevice } from './read-fleet.ts';

interface ProvisionOptions {
  readonly count?: number;
  readonly csv?: string;
  readonly prefix: string;
  readonly out: string;
  readonly plain?: boolean;
  readonly published?: boolean;
  readonly json?: boolean;
}

/** Datasets that one transaction opens: 114,000 gas each, and a transaction may take 16,777,216 (EIP-7825). */
const DATASETS_PER_TRANSACTION = 100;
/** Questions to the chain in one request. */
const PARTIES_PER_REQUEST = 100;

/** Adds `plumb fleet provision`. */
export function addFleetProvision(fleet: Command): void {
  const command = fleet
    .command('provision')
    .description(
      'Open a dataset for each of many devices, and write their files. Run again, it goes on where it ended.',
    )
    .addOption(new Option('--count <number>', 'so many devices, named PREFIX-00001 and on').argParser(parseCount))
    .addOption(new Option('--csv <file>', 'a device a line: name, and if wanted plain, published').conflicts('count'))
    .option('--prefix <name>', 'what the names begin with', 'device')
    .requiredOption('--out <folder>', 'folder for the files, NAME.json each (mode 0600); no file is ever replaced')
    .option('--plain', 'store content unencrypted, for life')
    .option('--published', 'publish the sealed digests on the chain too (about 23 times the gas)')
    .addHelpText('after', EXAMPLES);
  withKeystoreOptions(command).action((options: ProvisionOptions) =>
    runCommand(options, async (context) => {
      const wanted = await readWanted(options);
      const opened = await openOwner(context);
      const connection = await readConnection(context);
      const entries = await enterDevices(context, opened, connection, wanted);
      const chain = createDisscOwner({ ...connection, signer: createKeySigner(opened.privateKey) });
      const transactions = await openDatasets(chain, connection, entries, context);
      const folder = resolve(options.out);
      const written = await writeFiles(context, opened, connection, entries, folder);
      context.output.result(
        { devices: entries.length, transactions, written, folder },
        [
          `${entries.length} devices, ${transactions.length} transactions; ${written} files written, ` +
            `${entries.length - written} were there.`,
          `Bring each file of ${folder} to its device over a channel you trust, then delete it here.`,
        ].join('\n'),
      );
      return EXIT.ok;
    }),
  );
}

async function readWanted(options: ProvisionOptions): Promise<WantedDevice[]> {
  const defaults = { plain: options.plain === true, published: options.published === true };
  if (options.csv !== undefined) return readFleet(options.csv, defaults);
  if (options.count === undefined) throw new ArgumentError('How many? Give --count NUMBER or --csv FILE.');
  return nameFleet(options.count, options.prefix, defaults);
}

/**
 * The entries of all of them in `datasets.json`, made where they are missing before anything else is done: a device number
 * that was given once is not given again, whatever comes between.
 */
async function enterDevices(
  { home, output }: CommandContext,
  opened: OpenedOwner,
  { chainId, dissc }: Connection,
  wanted: readonly WantedDevice[],
): Promise<DatasetEntry[]> {
  const known = new Map((await readDatasets(home)).map((entry) => [entry.dataset, entry]));
  const firstNumber = await nextDeviceNumber(home);
  const added: DatasetEntry[] = [];
  const entries = wanted.map((device) => {
    const dataset = deriveDatasetId({ chainId, dissc }, opened.address, datasetName32(device.name));
    const entry = known.get(dataset);
    if (entry !== undefined) return requireSame(entry, device);
    const number = firstNumber + added.length;
    const made = { ...device, dataset, device: number, account: deviceAccountOf(opened, number) };
    added.push(made);
    output.progress(`Deriving keys … ${added.length}`);
    return made;
  });
  if (added.length > 0) await addDatasets(home, added);
  return entries;
}

function requireSame(entry: DatasetEntry, wanted: WantedDevice): DatasetEntry {
  if (entry.plain === wanted.plain && entry.published === wanted.published) return entry;
  const is = `${entry.plain ? 'plain' : 'encrypted'} and ${entry.published ? 'published' : 'rooted'}`;
  throw new ArgumentError(`Dataset ${entry.name} is ${is} already, and so it stays. Ask for it like that.`);
}

/** Those that are open already are left as they are. @returns the transactions */
async function openDatasets(
  chain: DisscOwner,
  connection: Connection,
  entries: readonly DatasetEntry[],
  { output, signal }: CommandContext,
): Promise<string[]> {
  const ledger = openLedger(connection);
  const parties: (Parties | null)[] = [];
  for (let i = 0; i < entries.length; i += PARTIES_PER_REQUEST) {
    const ids = entries.slice(i, i + PARTIES_PER_REQUEST).map(({ dataset }) => dataset as DatasetId);
    parties.push(...(await ledger.readParties(ids, 'latest', signal)).parties);
  }
  // One that is open for another device is asked for all the same: the refusal says so.
  const missing = entries.filter(({ account }, i) => parties[i]?.device !== account);
  const transactions: string[] = [];
  for (let i = 0; i < missing.length; i += DATASETS_PER_TRANSACTION) {
    signal.throwIfAborted();
    output.progress(`Opening datasets on the chain … ${i} of ${missing.length}`);
    const some = missing.slice(i, i + DATASETS_PER_TRANSACTION);
    const named = some.map(({ name, account }) => ({ name: datasetName32(name), device: account as Address }));
    const { transaction } = await chain.openDatasets(named, signal);
    if (transaction !== null) transactions.push(transaction.txHash);
  }
  return transactions;
}

/** @returns how many were not there */
async function writeFiles(
  { output, signal }: CommandContext,
  opened: OpenedOwner,
  connection: Connection,
  entries: readonly DatasetEntry[],
  folder: string,
): Promise<number> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  let written = 0;
  for (const entry of entries) {
    signal.throwIfAborted();
    const path = join(folder, `${entry.name}.json`);
    const text = provisionText(opened, connection, entry);
    const there = await readIfThere(path);
    if (there === text) continue;
    if (there !== null) {
      throw new FileError(`${path} is there, of another dataset or service, and is not replaced. Move it away.`);
    }
    // Under its name only when it is whole, so that a second run finds either nothing or all of it.
    await replaceSecretFile(path, text);
    output.progress(`Writing files … ${++written}`);
  }
  return written;
}

async function readIfThere(path: string): Promise<string | null> {
  try {
    return await readSecretFile(path);
  } catch (error) {
    if (isMissingFile(error)) return null;
    throw error;
  }
}

const EXAMPLES = `
Examples:
  plumb fleet provision --count 500 --prefix pump --out ./pumps
  plumb fleet provision --csv devices.csv --out ./devices --password-file password`;
