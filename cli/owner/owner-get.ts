import { resolve } from 'node:path';
import { type Command, Option } from 'commander';
import { nodePrimitives } from '../../adapters/crypto/node-primitives.ts';
import { downloadPresigned } from '../../adapters/service/download-presigned.ts';
import { type OpenSource, sourceOfBucket, sourceOfService } from '../../client/owner/block-source.ts';
import { FOREVER } from '../../client/owner/find-times.ts';
import { type GetPlan, type GotBlock, getRange } from '../../client/owner/get-range.ts';
import { restoreFiles } from '../../client/owner/restore-files.ts';
import { ArgumentError, FileError } from '../../core/errors.ts';
import type { DatasetId } from '../../core/ids.ts';
import { withKeystoreOptions } from '../command-options.ts';
import { type Connection, openBucket, openLedger, openService, readConnection } from '../connection.ts';
import { EXIT } from '../exit-codes.ts';
import { parseRange, parseTime } from '../parse-arguments.ts';
import { type CommandContext, runCommand } from '../run-command.ts';
import { findDataset } from './dataset-list.ts';
import { type GetReport, makeReport, reportText } from './get-report.ts';
import { datasetKeyOf, type OpenedOwner, openOwner } from './owner-home.ts';

interface GetOptions {
  readonly from?: number;
  readonly to?: number;
  readonly blocks?: { from: number; to: number };
  readonly out: string;
  readonly via: 'http' | 'lambda' | 's3';
  readonly anchor: 'final' | 'latest';
  readonly json?: boolean;
}

/** Adds `plumb owner get`: verified retrieval. */
export function addOwnerGet(owner: Command): void {
  const command = owner
    .command('get')
    .description('Bring files and lines back, every block verified against the chain before it is written.')
    .argument('<dataset>', 'name or id of the dataset')
    .option('--from <time>', 'captured at or after this time (ISO 8601 or ms since 1970)', parseTime)
    .option('--to <time>', 'captured at or before this time', parseTime)
    .option('--blocks <from-to>', 'these blocks instead of a time range, e.g. 0-999', parseRange)
    .requiredOption('--out <folder>', 'where to write; nothing there is overwritten')
    .addOption(
      new Option('--via <way>', 'how requests travel; s3: from the bucket itself, without the service')
        .choices(['http', 'lambda', 's3'])
        .default('http'),
    )
    .addOption(
      new Option('--anchor <block>', 'chain state to check against').choices(['final', 'latest']).default('final'),
    )
    .addHelpText('after', EXAMPLES);
  withKeystoreOptions(command).action((name: string, options: GetOptions) =>
    runCommand(options, async (context) => {
      const range = wantedRange(options);
      const opened = await openOwner(context);
      const connection = await readConnection(context);
      const dataset = await findDataset(context.home, name);
      const { open, close } = await openSource(options.via, connection, opened, dataset);
      try {
        const deps = { primitives: nodePrimitives, ledger: openLedger(connection), openSource: open };
        const wanted = {
          dataset,
          datasetKeyOf: datasetKeyOf(opened, dataset),
          anchor: options.anchor,
          fromBlock: connection.fromBlock,
          ...range,
        };
        const report = await getInto(context, deps, wanted, resolve(options.out));
        context.output.result(report, reportText(context.output, report));
        return report.ok ? EXIT.ok : EXIT.notIntact;
      } finally {
        close();
      }
    }),
  );
}

type Wanted = Parameters<typeof getRange>[1];

async function getInto(
  { output, signal }: CommandContext,
  deps: Parameters<typeof getRange>[0],
  wanted: Wanted,
  out: string,
): Promise<GetReport> {
  let plan: GetPlan | null = null;
  let intact = 0;
  const notIntact: GotBlock[] = [];
  const blocks = getRange(
    deps,
    wanted,
    (made) => {
      plan = made;
    },
    signal,
  );
  async function* counted(): AsyncGenerator<GotBlock> {
    for await (const block of blocks) {
      if (block.verdict.verdict === 'intact') intact += 1;
      else notIntact.push(block);
      output.progress(`${intact} blocks verified, ${notIntact.length} not intact`);
      yield block;
    }
  }
  const restored = await restoreFiles(out, counted());
  return makeReport({ wanted, plan: plan as GetPlan | null, out, intact, notIntact, restored });
}

async function openSource(
  via: GetOptions['via'],
  connection: Connection,
  opened: OpenedOwner,
  dataset: DatasetId,
): Promise<{ open: OpenSource; close: () => void }> {
  if (via !== 's3') {
    const service = await openService(connection, opened, via);
    const deps = { primitives: nodePrimitives, service, download: downloadPresigned };
    return { open: sourceOfService(deps, dataset), close: () => undefined };
  }
  const bucket = await openBucket(connection);
  if (bucket === null) throw new FileError('No bucket is named. Add s3 {bucket, region} to connection.json.');
  return { open: sourceOfBucket({ primitives: nodePrimitives, bucket }), close: () => bucket.close() };
}

const EXAMPLES = `
A damaged block is named and never written; a file appears only when all its parts are verified.
Without --from and --to it is everything that the chain has. What the storage hides or lost is named, whatever it lists.
By time, the capture times of the blocks at both ends prove that nothing is left out, as a device's times never fall; when
its clock was set back, blocks of before are in a stretch of their own and may lie elsewhere.

Examples:
  plumb owner get weather --out ./weather
  plumb owner get weather --from 2026-11-22T00:00:00Z --to 2026-11-22T12:00:00Z --out ./morning
  plumb owner get weather --blocks 0-1023 --out ./first`;

function wantedRange(options: GetOptions): { by: 'block' | 'time'; from: number; to: number } {
  if (options.blocks !== undefined) {
    if (options.from !== undefined || options.to !== undefined) {
      throw new ArgumentError('Give --blocks, or --from and --to, not both.');
    }
    return { by: 'block', ...options.blocks };
  }
  if (options.from === undefined && options.to === undefined) return { by: 'block', from: 0, to: FOREVER };
  const from = options.from ?? 0;
  const to = options.to ?? FOREVER;
  if (from > to) throw new ArgumentError(`--from ${from} lies after --to ${to}.`);
  return { by: 'time', from, to };
}
