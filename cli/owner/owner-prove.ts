import { type Command, Option } from 'commander';
import { nodePrimitives } from '../../adapters/crypto/node-primitives.ts';
import { deriveLogKey, vouchForLogKey } from '../../core/standard-forms/log-key.ts';
import { readConnection } from '../../library/connection.ts';
import { pickDataset, readDatasets } from '../../library/dataset-list.ts';
import { datasetKeyOf } from '../../library/opened-owner.ts';
import { ownerAsProver } from '../../library/prove-blocks.ts';
import { withKeystoreOptions } from '../command-options.ts';
import { type ProveOptions, prove, wantedBlocks, withProveOptions } from '../evidence/prove.ts';
import { EXIT } from '../exit-codes.ts';
import { runCommand } from '../run-command.ts';
import { openOwner } from './owner-home.ts';

/** Adds `plumb owner prove`: evidence for somebody else. */
export function addOwnerProve(owner: Command): void {
  const command = withProveOptions(
    owner
      .command('prove')
      .description(
        'Write evidence of blocks, a file or a period: one file that anyone can verify without keys or an account.',
      )
      .argument('<dataset>', 'name or id of the dataset'),
  )
    .option('--open', "include these blocks' content keys, so that the reader can compare and decrypt the content")
    .addOption(
      new Option('--via <way>', 'how requests travel; s3 reads the bucket directly, without the service')
        .choices(['http', 'lambda', 's3'])
        .default('http'),
    )
    .addHelpText('after', EXAMPLES);
  withKeystoreOptions(command).action((name: string, options: ProveOptions) =>
    runCommand(options, async (context) => {
      wantedBlocks(options);
      const connection = await readConnection(context);
      const entries = await readDatasets(context.home);
      const dataset = pickDataset(entries, context.home, name);
      const opened = await openOwner(context);
      const keyOf = datasetKeyOf(opened, dataset);
      const prover = {
        ...ownerAsProver(connection, opened, dataset, entries),
        logKeyOf: (serial: number) =>
          vouchForLogKey(
            connection,
            deriveLogKey(nodePrimitives, keyOf(serial), { dataset, serial }),
            opened.privateKey,
          ),
      };
      await prove(context, connection, prover, options);
      return EXIT.ok;
    }),
  );
}

const EXAMPLES = `
The evidence contains the hashes and keys of these blocks alone, and what leads from them to the chain. It reveals nothing about
other blocks. With --open, whoever has the evidence and the stored bytes can read these blocks.

Its date is the chain block that first recorded a head with all of these blocks, or the first round that held it. To give
blocks recorded at different times their own dates, put them into separate files.

With --timestamp an authority of your choice signs the time at which it saw the log's head. That is a second date, which does not
depend on the chain.

Examples:
  plumb owner prove weather --blocks 0-99 --out first.evidence.json
  plumb owner prove door --file door.log --open --out door.evidence.json
  plumb owner prove door --from 2026-11-22T08:00:00Z --to 2026-11-22T09:00:00Z --open --out hour.evidence.json
                                  the whole hour: proves that nothing is left out
  plumb owner prove door --file door.log --open --timestamp https://freetsa.org/tsr --out door.evidence.json
  plumb owner prove weather --blocks 7 --format tlog-proof --out block7.tlog-proof
                                  for programs that check transparency logs; --format cose writes a COSE receipt (RFC 9942)
  plumb verify door.evidence.json door.log`;
