import { mkdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { type Command, Option } from 'commander';
import { isMissingFile, readSecretFile, replaceSecretFile } from '../../adapters/keys/secret-file.ts';
import { counted } from '../../core/counted.ts';
import { ArgumentError, FileError } from '../../core/errors.ts';
import { type Connection, readConnection } from '../../library/connection.ts';
import type { DatasetEntry } from '../../library/dataset-list.ts';
import type { OpenedOwner } from '../../library/opened-owner.ts';
import { withKeystoreOptions } from '../command-options.ts';
import { KINDS, type KindName } from '../dataset/kind-name.ts';
import { type AnchorName, anchorOption, openAndEnter } from '../dataset/open-and-enter.ts';
import { provisionText } from '../device/provision-text.ts';
import { EXIT } from '../exit-codes.ts';
import { noticeLoopback } from '../loopback-notice.ts';
import { openOwner } from '../owner/owner-home.ts';
import { parseCount } from '../parse-arguments.ts';
import { type CommandContext, runCommand } from '../run-command.ts';
import { nameFleet, readFleet, type WantedDevice } from './read-fleet.ts';

interface ProvisionOptions {
  readonly count?: number;
  readonly csv?: string;
  readonly prefix: string;
  readonly out: string;
  readonly kind: KindName;
  readonly published?: boolean;
  readonly anchor: AnchorName;
  readonly json?: boolean;
}

/** Adds `plumb fleet provision`. */
export function addFleetProvision(fleet: Command): void {
  const command = fleet
    .command('provision')
    .description(
      "Create a dataset for each of many devices, and write the devices' files. Sends nothing to the chain; safe to run again.",
    )
    .addOption(
      new Option('--count <number>', 'how many devices; they are named PREFIX-00001 and so on').argParser(parseCount),
    )
    .addOption(
      new Option('--csv <file>', 'a CSV file, one device a line: name, and optionally kind, published').conflicts(
        'count',
      ),
    )
    .option('--prefix <name>', 'prefix of the names', 'device')
    .requiredOption('--out <folder>', 'folder for the files, NAME.json each (mode 0600); never replaces a file')
    .addOption(
      new Option('--kind <kind>', 'encrypted, plain or attached; cannot be changed')
        .choices(Object.keys(KINDS))
        .default('encrypted'),
    )
    .option('--published', 'publish the sealed digests on the chain too (about 1,300 gas a block)')
    .addOption(anchorOption('round'))
    .addHelpText('after', EXAMPLES);
  withKeystoreOptions(command).action((options: ProvisionOptions) =>
    runCommand(options, async (context) => {
      const wanted = (await readWanted(options)).map((one) => ({ ...one, anchor: options.anchor }));
      const connection = await readConnection(context);
      const opened = await openOwner(context);
      const entries = await openAndEnter(context, opened, connection, wanted);
      const folder = resolve(options.out);
      const written = await writeFiles(context, opened, connection, entries, folder);
      if (written > 0) noticeLoopback(context.output, connection);
      const unshown = entries.filter((entry) => entry.unshown !== null);
      const created = entries.filter(({ isNew }) => isNew).length;
      const [problem] = unshown.map((entry) => entry.unshown);
      context.output.result(
        { devices: entries.length, created, unshown: unshown.length, problem: problem ?? null, written, folder },
        [
          `${counted(entries.length, 'device')}, ${created} of them new; ${counted(written, 'file')} written, ${entries.length - written} already there.`,
          ...(unshown.length === 0
            ? []
            : [
                `The service does not know ${unshown.length} of them yet: ${problem} Each device will send it the charter.`,
              ]),
          `Copy each file of ${folder} to its device over a channel you trust, then delete it here.`,
        ].join('\n'),
      );
      return EXIT.ok;
    }),
  );
}

async function readWanted(options: ProvisionOptions): Promise<WantedDevice[]> {
  const defaults = { kind: KINDS[options.kind], published: options.published === true, anchor: options.anchor };
  if (options.csv !== undefined) return readFleet(options.csv, defaults);
  if (options.count === undefined)
    throw new ArgumentError('Nothing says which devices. Give --count NUMBER or --csv FILE.');
  return nameFleet(options.count, options.prefix, defaults);
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
    if (there !== null && isOfDevice(there, text)) continue;
    if (there !== null) {
      throw new FileError(
        `${path} exists already and belongs to another dataset or service, so it is not replaced. Move it away.`,
      );
    }
    // Under its name only when it is whole, so that a second run finds either nothing or all of it.
    await replaceSecretFile(path, text);
    output.progress(`Writing files … ${++written}`);
  }
  return written;
}

/** An earlier charter of the same device serves as well: devices learn of a later anchorer by themselves. */
function isOfDevice(there: string, text: string): boolean {
  const withoutCharter = (file: string): string => {
    const { charter: _, ...rest } = JSON.parse(file) as Record<string, unknown>;
    return JSON.stringify(rest);
  };
  try {
    return withoutCharter(there) === withoutCharter(text);
  } catch {
    return false;
  }
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
