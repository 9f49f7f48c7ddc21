import { type Command, Option } from 'commander';
import { anchorerOf } from '../../core/charter/charter.ts';
import { readConnection } from '../../library/connection.ts';
import { withKeystoreOptions } from '../command-options.ts';
import { EXIT } from '../exit-codes.ts';
import { openOwner } from '../owner/owner-home.ts';
import { runCommand } from '../run-command.ts';
import { KINDS, type KindName, kindName } from './kind-name.ts';
import { type AnchorName, anchorOption, openAndEnter } from './open-and-enter.ts';

interface CreateOptions {
  readonly kind: KindName;
  readonly published?: boolean;
  readonly anchor: AnchorName;
  readonly json?: boolean;
}

/** Adds `plumb dataset create`. */
export function addDatasetCreate(dataset: Command): void {
  const command = dataset
    .command('create')
    .description(
      'Create a dataset: the log of one device. The owner signs which device writes it; nothing is sent to the chain.',
    )
    .argument('<name>', 'name of the dataset, at most 32 bytes')
    .addOption(
      new Option(
        '--kind <kind>',
        'encrypted, plain (stored as captured) or attached (bytes stay in their object); cannot be changed',
      )
        .choices(Object.keys(KINDS))
        .default('encrypted'),
    )
    .option('--published', 'publish the sealed digests on the chain too (about 1,300 gas a block)')
    .addOption(anchorOption('record'))
    .addHelpText('after', EXAMPLES);
  withKeystoreOptions(command).action((name: string, options: CreateOptions) =>
    runCommand(options, async (context) => {
      const connection = await readConnection(context);
      const opened = await openOwner(context);
      const wanted = { name, kind: KINDS[options.kind], published: options.published === true, anchor: options.anchor };
      const [entry] = await openAndEnter(context, opened, connection, [wanted]);
      if (entry === undefined) return EXIT.internal;
      const { charters, dataset, unshown, isNew, published } = entry;
      const newest = charters.at(-1) ?? charters[0];
      const anchorer = anchorerOf(newest);
      context.output.result(
        {
          name,
          dataset,
          kind: entry.kind,
          published,
          anchorer,
          device: newest.device,
          serial: newest.serial,
          isNew,
          shown: unshown === null,
          problem: unshown,
        },
        [
          `Dataset ${name}: ${dataset}${isNew ? '' : ' (already there)'}`,
          `  content       ${kindName(entry.kind)}; digests ${published ? 'published' : 'only in the log'}`,
          `  anchored      ${anchorer === null ? 'directly on DISSC' : `in rounds of ${anchorer}`}`,
          `  device        ${newest.device}, by charter ${newest.serial}`,
          ...(unshown === null
            ? []
            : [`  The service does not know the dataset yet: ${unshown} The device will send it the charter.`]),
          `Next: plumb device provision ${name} --out device.json`,
        ].join('\n'),
      );
      return EXIT.ok;
    }),
  );
}

const EXAMPLES = `
Examples:
  plumb dataset create weather
  plumb dataset create load --kind plain
  plumb dataset create pump-7 --anchor round          anchored in the service's rounds`;
