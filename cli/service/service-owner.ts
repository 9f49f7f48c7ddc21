import type { Command } from 'commander';
import * as z from 'zod';
import { counted } from '../../core/counted.ts';
import { ArgumentError } from '../../core/errors.ts';
import { type Address, address } from '../../core/ids.ts';
import { inFile } from '../../core/parse-outside.ts';
import { type AdmittedOwner, admitOwner, dismissOwner, listOwners } from '../../functions/state/owner-entry.ts';
import { withHomeOptions } from '../command-options.ts';
import { EXIT } from '../exit-codes.ts';
import { parseAddress, parseCount } from '../parse-arguments.ts';
import { readBoundedText } from '../read-bounded-file.ts';
import { type CommandContext, runCommand } from '../run-command.ts';
import { type OpenedTable, openServiceTable } from './open-service-table.ts';

interface OwnerOptions {
  readonly config?: string;
  readonly quota?: number;
  readonly file?: string;
  readonly json?: boolean;
}

/** What `plumb service owner list --json` prints, a line an owner, and what `add --file` takes. */
const ownerLine = z.strictObject({
  owner: z
    .string()
    .regex(/^0x[0-9a-fA-F]{40}$/)
    .transform((text) => address(text)),
  quotaBytes: z.int().min(0),
});
/** A hundred bytes an owner: a hundred thousand of them. */
const OWNERS_BOUND = { maxBytes: 16 * 2 ** 20, ifLarger: 'Split it.' };

/** Adds `plumb service owner add|remove|list`. */
export function addServiceOwner(service: Command): void {
  const group = service.command('owner').description('the owners that the service stores data for, kept in its table');
  withTableOptions(
    group
      .command('add')
      .description('Store data for these owners, each up to a quota. An owner already listed gets the new quota.')
      .argument('[addresses...]', 'accounts of owners', collectAddress)
      .option('--quota <bytes>', 'how many bytes each of them may store', parseCount)
      .option('--file <file>', 'owners and quotas, as printed by list --json'),
  ).action((owners: Address[] | undefined, options: OwnerOptions) =>
    withTable(options, async ({ output, signal }, { table }) => {
      const given = await ownersOf(owners ?? [], options);
      for (const one of given) {
        await admitOwner(table, one, signal);
        output.result(one, `${one.owner} may store ${one.quotaBytes.toLocaleString('en')} bytes.`);
      }
      return EXIT.ok;
    }),
  );
  withTableOptions(
    group
      .command('remove')
      .description('Stop storing for these owners, within 15 seconds. Their stored data stays and remains provable.')
      .argument('<addresses...>', 'accounts of owners', collectAddress),
  ).action((owners: Address[], options: OwnerOptions) =>
    withTable(options, async ({ output, signal }, { table }) => {
      let all = true;
      for (const owner of owners) {
        const wasServed = await dismissOwner(table, owner, signal);
        all &&= wasServed;
        output.result({ owner, wasServed }, wasServed ? `${owner} is removed.` : `${owner} was not listed.`);
      }
      return all ? EXIT.ok : EXIT.notIntact;
    }),
  );
  withTableOptions(
    group
      .command('list')
      .description('List the owners and their quotas; with --json one owner a line, for add --file.'),
  ).action((options: OwnerOptions) =>
    withTable(options, async ({ output, signal }, { table }) => {
      let count = 0;
      for await (const one of listOwners(table, signal)) {
        count++;
        output.result(one, `${one.owner}  ${one.quotaBytes.toLocaleString('en')} bytes`);
      }
      output.notice(
        count === 0 ? 'No owner is served.' : `${counted(count, 'owner')} ${count === 1 ? 'is' : 'are'} served.`,
      );
      return EXIT.ok;
    }),
  );
  group.addHelpText('after', EXAMPLES);
}

function withTableOptions(command: Command): Command {
  return withHomeOptions(command).option('--config <file>', 'settings of a service on your own machine');
}

function withTable(
  options: OwnerOptions,
  body: (context: CommandContext, opened: OpenedTable) => Promise<number>,
): Promise<void> {
  return runCommand(options, async (context) => {
    const opened = await openServiceTable({ config: options.config, stack: context.stack });
    try {
      return await body(context, opened);
    } finally {
      opened.close();
    }
  });
}

function collectAddress(text: string, before: Address[] | undefined): Address[] {
  return [...(before ?? []), parseAddress(text)];
}

async function ownersOf(owners: readonly Address[], { quota, file }: OwnerOptions): Promise<readonly AdmittedOwner[]> {
  if (file !== undefined) {
    if (owners.length > 0 || quota !== undefined) {
      throw new ArgumentError(
        'Give owners either in a file or one by one. Leave out --file, or the addresses and --quota.',
      );
    }
    return readOwners(file);
  }
  if (owners.length === 0)
    throw new ArgumentError('Nothing says which owners. Give their addresses and --quota, or --file.');
  if (quota === undefined) throw new ArgumentError('Nothing says how much they may store. Give --quota BYTES.');
  return owners.map((owner) => ({ owner, quotaBytes: quota }));
}

/** All of them or none: a line that is malformed is named before anything is written. */
async function readOwners(path: string): Promise<AdmittedOwner[]> {
  const text = await readBoundedText(path, OWNERS_BOUND);
  const lines = text.split('\n').filter((line) => line.trim() !== '');
  return lines.map((line, i) => inFile(`${path}, line ${i + 1}`, () => ownerLine.parse(JSON.parse(line))));
}

const EXAMPLES = `
For a deployment in AWS, set PLUMBLINE_TABLE and AWS_REGION, and credentials that may use the table.

Exit codes: 0 done, 1 an owner to be removed was not listed, 2 wrong arguments, 3 the table does not answer, 6 nothing says which service.

Examples:
  plumb service owner add 0x52908400098527886e0f7030069857d2e4169ee7 --quota 1073741824 --config serve.json
  plumb service owner list --json --config serve.json > owners.jsonl     # a copy, for the day the table is lost
  plumb service owner add --file owners.jsonl --config serve.json
  PLUMBLINE_TABLE=plumbline-prod-Table AWS_REGION=eu-central-1 plumb service owner list`;
