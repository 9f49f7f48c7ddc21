import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Command } from 'commander';
import { nodePrimitives } from '../../adapters/crypto/node-primitives.ts';
import { parseMnemonic } from '../../adapters/keys/mnemonic.ts';
import { readSecretFile } from '../../adapters/keys/secret-file.ts';
import { type DatasetCharters, findCharters } from '../../client/owner/find-charters.ts';
import { findPublishing } from '../../client/owner/find-publishing.ts';
import { printable } from '../../client/printable.ts';
import type { SignedCharter } from '../../core/charter/charter.ts';
import { deviceSerial } from '../../core/charter/charters-in-force.ts';
import { deriveDatasetId } from '../../core/charter/dataset-id.ts';
import { encodeDatasetName } from '../../core/charter/dataset-name.ts';
import { counted } from '../../core/counted.ts';
import { ArgumentError, PlumblineError } from '../../core/errors.ts';
import type { DatasetId } from '../../core/ids.ts';
import { serialOfDevice } from '../../core/keys.ts';
import { inFile } from '../../core/parse-outside.ts';
import { type Connection, openBucket, openLedger, openService, readConnection } from '../../library/connection.ts';
import { addDatasets, type DatasetEntry, entryOf, readDatasets } from '../../library/dataset-list.ts';
import { type OpenedOwner, openedOwner } from '../../library/opened-owner.ts';
import { withKeystoreOptions } from '../command-options.ts';
import { KINDS, kindName } from '../dataset/kind-name.ts';
import { EXIT } from '../exit-codes.ts';
import { choosePassword, readPassword } from '../prompt-password.ts';
import { type CommandContext, runCommand } from '../run-command.ts';
import { createOwnerHome, openOwner } from './owner-home.ts';

interface RestoreOptions {
  readonly mnemonicFile?: string;
  readonly name: readonly string[];
  readonly keysOnly?: boolean;
  readonly json?: boolean;
}

/** Adds `plumb owner restore`. */
export function addOwnerRestore(owner: Command): void {
  const command = owner
    .command('restore')
    .description('Restore an owner from the mnemonic: the keystore, and the datasets with their kinds and devices.')
    .option('--mnemonic-file <file>', 'read the mnemonic from this file (mode 0600) instead of asking')
    .option(
      '--name <name>',
      'also look for a dataset of this name that is not on the chain yet; repeatable',
      collect,
      [],
    )
    .option('--keys-only', 'restore only the keystore; ask neither chain nor service')
    .addHelpText('after', EXAMPLES);
  withKeystoreOptions(command).action((options: RestoreOptions) =>
    runCommand(options, async (context) => {
      // Before anything is asked for: keys alone bring nothing back.
      const connection = options.keysOnly === true ? null : await readConnection(context);
      const opened = await openOrRestore(context, options);
      const account = opened.address;
      if (connection === null) {
        context.output.result(
          { account, home: context.home },
          `Owner account ${account} is restored in ${context.home}. To restore its datasets: plumb owner restore`,
        );
        return EXIT.ok;
      }
      const found = await findDatasets(context, opened, connection, options.name);
      const problems = [...found.problems, ...found.datasets.flatMap((dataset) => problemsOf(opened, dataset))];
      const entries = await enter(context, connection, found.datasets, problems);
      const datasets = entries.map((entry) => ({
        name: entry.name,
        dataset: entry.dataset,
        kind: kindName(entry.kind),
        devices: entry.charters.map(({ device, serial, from }) => ({ device, serial, from })),
      }));
      context.output.result(
        { account, home: context.home, datasets, problems },
        [
          `Owner account ${account} is restored in ${context.home}, with ${counted(entries.length, 'dataset')}:`,
          ...entries.map((entry) => `  ${printable(entry.name)}  ${kindName(entry.kind)}  ${devicesText(entry)}`),
          ...problems.map((problem) => `  ! ${printable(problem)}`),
        ].join('\n'),
      );
      return found.problems.length > 0 ? EXIT.unavailable : EXIT.ok;
    }),
  );
}

/** The owner of this home; a home without one is made from the mnemonic. */
async function openOrRestore(context: CommandContext, options: RestoreOptions): Promise<OpenedOwner> {
  if (existsSync(join(context.home, 'keystore.json'))) {
    if (options.mnemonicFile !== undefined) {
      throw new ArgumentError(
        `${context.home} already holds an owner, and plumb never replaces keys. Give another --home; or leave out --mnemonic-file to restore this owner's datasets.`,
      );
    }
    return openOwner(context);
  }
  const mnemonic = await readMnemonic(options.mnemonicFile, context.signal);
  const password = await choosePassword(context.passwordFile, context.signal);
  await createOwnerHome(context, mnemonic, password);
  return openedOwner(mnemonic);
}

async function findDatasets(
  { home, signal, output }: CommandContext,
  opened: OpenedOwner,
  connection: Connection,
  names: readonly string[],
): ReturnType<typeof findCharters> {
  const kept = (await readDatasets(home)).flatMap(({ charters }) => charters);
  const ids = names.flatMap((name) =>
    Object.values(KINDS).map((kind): DatasetId => {
      return deriveDatasetId(connection, opened.address, encodeDatasetName(name), kind);
    }),
  );
  const bucket = await openBucket(connection);
  try {
    output.progress('Looking for datasets on the chain, in the bucket and at the service …');
    const sources = {
      ledger: openLedger(connection),
      fromBlock: connection.fromBlock,
      service: await openService(connection, opened, 'http'),
      bucket,
    };
    return await findCharters(sources, opened.address, { all: true, datasets: ids, kept }, signal);
  } finally {
    bucket?.close();
  }
}

/** What the owner should know of a dataset that was found. */
function problemsOf(opened: OpenedOwner, { dataset, charters, history, contradictory }: DatasetCharters): string[] {
  const serials = charters.map(({ serial }) => serial);
  const foreign = [...new Set(charters.map(({ device }) => device))].filter(
    (device) =>
      serialOfDevice(nodePrimitives, opened.seed, dataset, device, serials) === null ||
      deviceSerial(history, device) === null,
  );
  return [
    ...foreign.map(
      (device) =>
        `This mnemonic does not give the key of device ${device} of dataset ${dataset}, so its blocks cannot be decrypted.`,
    ),
    ...contradictory.map(
      (serial) => `Two different charters of dataset ${dataset} have the serial ${serial}, so neither counts.`,
    ),
  ];
}

async function enter(
  { home, signal }: CommandContext,
  connection: Connection,
  datasets: readonly DatasetCharters[],
  problems: string[],
): Promise<DatasetEntry[]> {
  const published = new Map((await readDatasets(home)).map((entry) => [entry.dataset, entry.published]));
  const unknown = datasets
    .filter(({ dataset }) => !published.has(dataset))
    .map(({ dataset, charters }) => ({ dataset, devices: charters.map(({ device }) => device) }));
  const publishing = await findPublishing(openLedger(connection), unknown, connection.fromBlock, signal);
  for (const dataset of publishing) published.set(dataset, true);
  const entries: DatasetEntry[] = [];
  for (const { dataset, charters } of datasets) {
    if (charters.length === 0) continue;
    try {
      const known = charters as readonly [SignedCharter, ...SignedCharter[]];
      entries.push(entryOf(dataset, known, published.get(dataset) ?? false));
    } catch (cause) {
      if (!(cause instanceof PlumblineError)) throw cause;
      problems.push(`The name of dataset ${dataset} is not valid text: ${cause.shortMessage}`);
    }
  }
  await addDatasets(home, entries);
  return entries;
}

function devicesText({ charters }: DatasetEntry): string {
  return charters
    .map(({ device, serial, from }) => `${device} (charter ${serial}, from block ${from})`)
    .join(', then ');
}

async function readMnemonic(file: string | undefined, signal: AbortSignal): Promise<string> {
  if (file === undefined) return parseMnemonic(await readPassword(undefined, 'Mnemonic:', signal));
  const words = await readSecretFile(file);
  return inFile(file, () => parseMnemonic(words));
}

function collect(name: string, before: readonly string[]): string[] {
  return [...before, name];
}

const EXAMPLES = `
Finds the datasets in the chain's events, the bucket and the service, and verifies every charter. In a home that already has a
keystore, the command makes the list of datasets again.

Examples:
  plumb owner restore
  plumb owner restore --mnemonic-file ./mnemonic --password-file ./password
  plumb owner restore --name weather        a dataset of which nothing is recorded yet, if no bucket is configured`;
