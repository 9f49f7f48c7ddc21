import { resolve } from 'node:path';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { readSecretFile } from '../../adapters/keys/secret-file.ts';
import { ArgumentError } from '../../core/errors.ts';
import { type Address, address, NATIVE_COIN } from '../../core/ids.ts';
import { inFile } from '../../core/parse-outside.ts';
import { stackFile } from '../../core/wire/stack-file.ts';
import { authoriseService, GRANT_DEFAULTS, requireGrantable } from '../../library/authorise-service.ts';
import { readConnection } from '../../library/connection.ts';
import { datasetEntry } from '../../library/dataset-list.ts';
import { withKeystoreOptions } from '../command-options.ts';
import { parseDuration } from '../device/parse-units.ts';
import { EXIT } from '../exit-codes.ts';
import { parseAddress, parseAmount, parseCount, parseRange, parseSeconds } from '../parse-arguments.ts';
import { parseUntil } from '../parse-time.ts';
import { type CommandContext, runCommand } from '../run-command.ts';
import { showAmount, showSeconds } from '../show-amount.ts';
import { openOwner } from './owner-home.ts';

interface AuthoriseOptions {
  readonly css?: Address;
  readonly perRecord: bigint;
  readonly blocks: { from: number; to: number };
  readonly kinds: { digests: boolean; blocks: boolean };
  readonly maxBlocks: number;
  readonly window: number;
  readonly interval: number;
  readonly until?: number;
  readonly fuel: bigint;
  readonly wait: number;
  readonly json?: boolean;
}

/** Adds `plumb owner authorise`: ASC's authorise, and fund once the CSS has accepted. */
export function addOwnerAuthorise(owner: Command): void {
  const command = owner
    .command('authorise')
    .description("Let a storage service serve a dataset's consumers, and prepay its records.")
    .argument('<dataset>', 'name or id of the dataset')
    .option('--css <address>', "account of the service (default: the local stack's operator)", parseAddress)
    // A default that JSON cannot write has to be described, or there is no help.
    .addOption(
      new Option('--per-record <amount>', 'what the service earns for one record, however many blocks it covers')
        .argParser(parseAmount)
        .default(GRANT_DEFAULTS.perRecordWei, '0wei'),
    )
    .addOption(
      new Option('--interval <seconds>', 'pay for at most one record in this time')
        .argParser(parseSeconds)
        .default(GRANT_DEFAULTS.intervalSeconds, 'none: pay for each record'),
    )
    .addOption(
      new Option('--blocks <from-to>', 'which blocks consumers may see, including blocks not yet recorded')
        .argParser(parseRange)
        .default(GRANT_DEFAULTS.blocks, 'all'),
    )
    .addOption(
      new Option('--kinds <list>', 'digests (Protocol III), blocks (Protocol IV)')
        .argParser(parseKinds)
        .default({ digests: true, blocks: true }, 'digests,blocks'),
    )
    .option(
      '--max-blocks <count>',
      'how many distinct blocks the consumer of an agreement may see',
      parseCount,
      GRANT_DEFAULTS.maxBlocks,
    )
    .option(
      '--window <seconds>',
      'how long you still pay the service after a revocation',
      parseSeconds,
      GRANT_DEFAULTS.windowSeconds,
    )
    .option(
      '--until <time>',
      'when the grant ends: a time with its zone, or a duration from now such as 12h (default: 365d)',
      parseUntil,
    )
    .addOption(
      new Option('--fuel <amount>', "top the grant's fuel up to this, once the service has accepted it")
        .argParser(parseAmount)
        .default(GRANT_DEFAULTS.fuelWei, '0wei'),
    )
    .addOption(
      new Option('--wait <duration>', 'how long to wait for the service to accept')
        .argParser(parseDuration)
        .default(GRANT_DEFAULTS.waitMs, '60s'),
    )
    .addHelpText('after', EXAMPLES);
  withKeystoreOptions(command).action((name: string, options: AuthoriseOptions) =>
    runCommand(options, async (context) => {
      const { output, signal } = context;
      const css = options.css ?? (await operatorOf(context));
      const connection = await readConnection(context);
      const { perRecord, interval, blocks, kinds, maxBlocks, window, until, fuel, wait } = options;
      const wishes = {
        ...{ css, perRecordWei: perRecord, intervalSeconds: interval, blocks, maxBlocks, windowSeconds: window },
        ...{ digests: kinds.digests, wholeBlocks: kinds.blocks, fuelWei: fuel, waitMs: wait, signal },
        ...(until === undefined ? {} : { untilSeconds: until }),
      };
      requireGrantable(wishes);
      const entry = await datasetEntry(context.home, name);
      const opened = await openOwner(context);
      output.progress('Authorising, and waiting for the service …');
      const done = await authoriseService(context, connection, opened, entry, wishes);
      const { grant, txHash, fundedWei } = done;
      const accepted = grant.state === 'accepted';
      output.result(
        { ...grant, tx: txHash, fundedWei },
        [
          `Grant ${grant.id}: ${grant.state}${txHash === null ? ', already there' : ''}`,
          `  service   ${css}, until ${showSeconds(grant.endSeconds)}`,
          accepted
            ? `  fuel      ${showAmount(grant.fuelWei, NATIVE_COIN)}, for each record ${showAmount(perRecord, NATIVE_COIN)}`
            : '  The service has not accepted it yet. Run the same command again to continue; plumb owner grants shows the grant.',
        ].join('\n'),
      );
      return accepted ? EXIT.ok : EXIT.unavailable;
    }),
  );
}

async function operatorOf({ stack }: CommandContext): Promise<Address> {
  if (stack === undefined) throw new ArgumentError('Nothing says which service. Give its account: --css ADDRESS.');
  const text = await readSecretFile(resolve(stack));
  return address(inFile(stack, () => stackFile.parse(JSON.parse(text)), 'Give --css ADDRESS.').operator);
}

function parseKinds(text: string): { digests: boolean; blocks: boolean } {
  const kinds = text.split(',');
  if (kinds.some((kind) => kind !== 'digests' && kind !== 'blocks') || new Set(kinds).size !== kinds.length) {
    throw new InvalidArgumentError(`${text} is not digests, blocks or digests,blocks.`);
  }
  return { digests: kinds.includes('digests'), blocks: kinds.includes('blocks') };
}

const EXAMPLES = `
Safe to run again: it continues where it stopped, and proposes or pays nothing twice.

Examples:
  plumb owner authorise weather
  plumb owner authorise weather --css 0x… --per-record 200000gwei --interval 1h --fuel 0.01ether --kinds digests --until 2027-12-31T00:00:00Z`;
