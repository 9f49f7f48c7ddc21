import type { Command } from 'commander';
import { type PublishedBatch, publishBatches } from '../../client/owner/publish-batches.ts';
import { counted } from '../../core/counted.ts';
import { openService, readConnection } from '../../library/connection.ts';
import { findDataset } from '../../library/dataset-list.ts';
import { withKeystoreOptions } from '../command-options.ts';
import { EXIT } from '../exit-codes.ts';
import { parseRange } from '../parse-arguments.ts';
import { runCommand } from '../run-command.ts';
import { openOwner } from './owner-home.ts';

interface PublishOptions {
  readonly blocks?: { from: number; to: number };
  readonly json?: boolean;
}

/** Adds `plumb owner publish`: publish-segment for every recorded batch. */
export function addOwnerPublish(owner: Command): void {
  const command = owner
    .command('publish')
    .description(
      'Make the service import recorded batches into IPFS and pin them, under the hashes that they already have.',
    )
    .argument('<dataset>', 'name or id of the dataset')
    .option('--blocks <from-to>', 'only batches that contain these blocks, e.g. 0-999', parseRange)
    .addHelpText('after', EXAMPLES);
  withKeystoreOptions(command).action((name: string, options: PublishOptions) =>
    runCommand(options, async (context) => {
      const connection = await readConnection(context);
      const dataset = await findDataset(context.home, name);
      const opened = await openOwner(context);
      const service = await openService(connection, opened, 'http');
      const range = options.blocks ?? { from: 0, to: Number.MAX_SAFE_INTEGER };
      const published: PublishedBatch[] = [];
      for await (const batch of publishBatches(service, dataset, range, context.signal)) {
        published.push(batch);
        context.output.progress(`in IPFS: ${counted(published.length, 'batch')}`);
      }
      const lines = published.map(({ first, count, root }) => `  blocks ${first} to ${first + count - 1}   ${root}`);
      context.output.result(
        { dataset, published },
        published.length === 0
          ? `No block of ${dataset} in this range is recorded yet.`
          : [`Batches of dataset ${dataset} pinned in IPFS:`, ...lines].join('\n'),
      );
      return published.length === 0 ? EXIT.notRecorded : EXIT.ok;
    }),
  );
}

const EXAMPLES = `
Anyone who knows a CID can fetch what it names, so publish only encrypted datasets, or data that everyone may read.

Examples:
  plumb owner publish weather
  plumb owner verify weather --protocol II --from ipfs`;
