import { resolve } from 'node:path';
import { type Command, Option } from 'commander';
import { nodePrimitives } from '../../adapters/crypto/node-primitives.ts';
import { downloadPresigned } from '../../adapters/service/download-presigned.ts';
import { type OpenSource, sourceOfBucket, sourceOfService } from '../../client/owner/block-source.ts';
import { FOREVER } from '../../client/owner/find-times.ts';
import { type GetPlan, getRange } from '../../client/owner/get-range.ts';
import { printable } from '../../client/printable.ts';
import { type BlockToRestore, restoreFiles } from '../../client/restore/restore-files.ts';
import {
  openRestoredFolder,
  type RestoreAs,
  type RestoredFolder,
  type RestoreRequest,
} from '../../client/restore/restored-folder.ts';
import { counted } from '../../core/counted.ts';
import { ArgumentError, FileError } from '../../core/errors.ts';
import type { DatasetId } from '../../core/ids.ts';
import { type Connection, openBucket, openLedger, openService, readConnection } from '../../library/connection.ts';
import { findDataset, readDatasets } from '../../library/dataset-list.ts';
import { openRounds } from '../../library/open-rounds.ts';
import { datasetKeyOf, type OpenedOwner } from '../../library/opened-owner.ts';
import { withKeystoreOptions } from '../command-options.ts';
import { EXIT } from '../exit-codes.ts';
import { keepContradictions } from '../growth-text.ts';
import { parseRange } from '../parse-arguments.ts';
import { parseTime } from '../parse-time.ts';
import { type CommandContext, runCommand } from '../run-command.ts';
import { watchAnswers } from '../watch-answers.ts';
import { blocksText, timeText } from '../where-text.ts';
import { type GetReport, makeReport } from './get-report.ts';
import { reportText } from './get-text.ts';
import { lockFolder } from './lock-folder.ts';
import { openOwner } from './owner-home.ts';
import { SeenBlocks } from './seen-blocks.ts';

interface GetOptions {
  readonly from?: FromOption;
  readonly to?: number;
  readonly blocks?: { from: number; to: number };
  readonly out: string;
  readonly as: RestoreAs;
  readonly via: 'http' | 'lambda' | 's3';
  readonly anchor: 'final' | 'latest';
  readonly json?: boolean;
}

/** Adds `plumb owner get`: verified retrieval. */
export function addOwnerGet(owner: Command): void {
  const command = owner
    .command('get')
    .description('Restore files and lines. Verifies every block against the chain before writing it.')
    .argument('<dataset>', 'name or id of the dataset')
    .option(
      '--from <time>',
      'captured at or after this time, with its zone: 2026-11-22T10:00:00Z; or s3, short for --via s3',
      parseFrom,
    )
    .option('--to <time>', 'captured at or before this time', parseTime)
    .option('--blocks <from-to>', 'these blocks instead of a time range, e.g. 0-999', parseRange)
    .requiredOption('--out <folder>', 'where to write; overwrites nothing, and keeps what an earlier run wrote')
    .addOption(
      new Option('--as <form>', 'files: as captured; lines or jsonl: one file for each name or topic; see below')
        .choices(['files', 'lines', 'jsonl'])
        .default('files'),
    )
    .addOption(
      new Option('--via <way>', 'how requests travel; s3 reads the bucket directly, without the service')
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
      const connection = await readConnection(context);
      const dataset = await findDataset(context.home, name);
      const opened = await openOwner(context);
      const out = resolve(options.out);
      const via = options.from?.s3 === true ? 's3' : options.via;
      const unlock = await lockFolder(context.home, out);
      try {
        const folder = await openRestoredFolder(out, requestOf(name, dataset, options.as, range));
        const { open, close, exitCode } = await openSource(via, connection, opened, dataset);
        try {
          // What leads to the newest round only the service keeps; without it one counts that was seen here.
          const service = via === 's3' ? null : await openService(connection, opened, via);
          const rounds = openRounds(context.home, connection, service, await readDatasets(context.home));
          const deps = { primitives: nodePrimitives, ledger: openLedger(connection), openSource: open, rounds };
          const wanted = {
            dataset,
            datasetKeyOf: datasetKeyOf(opened, dataset),
            anchor: options.anchor,
            fromBlock: connection.fromBlock,
            ...range,
          };
          const hasBucket = via !== 's3' && connection.s3 !== null;
          const report = await getInto(context, deps, { ...wanted, hasBucket }, folder);
          const evidence = await keepContradictions(context.home, report.growth);
          context.output.result(
            { ...report, contradictionFiles: evidence },
            reportText(context.output, report, evidence),
          );
          return exitCode(report);
        } finally {
          close();
        }
      } finally {
        await unlock();
      }
    }),
  );
}

type Wanted = Parameters<typeof getRange>[1];

async function getInto(
  { output, signal }: CommandContext,
  deps: Parameters<typeof getRange>[0],
  { hasBucket, ...wanted }: Wanted & { readonly hasBucket: boolean },
  folder: RestoredFolder,
): Promise<GetReport> {
  const out = folder.path;
  const seen = new SeenBlocks();
  let plan: GetPlan | null = null;
  const blocks = getRange(
    { ...deps, readKept: (index) => folder.read(index) },
    wanted,
    (made) => {
      plan = made;
    },
    signal,
  );
  async function* noted(): AsyncGenerator<BlockToRestore> {
    for await (const block of blocks) {
      seen.note(block);
      output.progress(`${counted(seen.intact, 'block')} verified, ${seen.notIntact.length} not intact`);
      const { verdict, upTo, meta, about, content } = block;
      const { index, reason } = verdict;
      yield { index, upTo, verdict: verdict.verdict, reason, meta: meta ?? about, content };
    }
  }
  try {
    const restored = await restoreFiles(folder, noted());
    const { intact, notIntact } = seen;
    return makeReport({ wanted, plan: plan as GetPlan | null, out, hasBucket, intact, notIntact, restored });
  } catch (cause) {
    if (signal.aborted && seen.intact > 0) {
      output.notice(
        `Verified ${counted(seen.intact, 'block')} so far, in ${out}. Run the same command again to continue.`,
      );
    }
    throw cause;
  }
}

async function openSource(
  via: GetOptions['via'],
  connection: Connection,
  opened: OpenedOwner,
  dataset: DatasetId,
): Promise<{ open: OpenSource; close: () => void; exitCode: (report: GetReport) => number }> {
  if (via !== 's3') {
    const { service, exitCode } = watchAnswers(await openService(connection, opened, via));
    const deps = { primitives: nodePrimitives, service, download: downloadPresigned };
    return { open: sourceOfService(deps, dataset), close: () => undefined, exitCode };
  }
  const bucket = await openBucket(connection);
  if (bucket === null) throw new FileError('No bucket is configured. Add s3 {bucket, region} to connection.json.');
  return {
    open: sourceOfBucket({ primitives: nodePrimitives, bucket }),
    close: () => bucket.close(),
    exitCode: ({ ok }) => (ok ? EXIT.ok : EXIT.notIntact),
  };
}

const EXAMPLES = `
Damaged blocks are reported and never written; a file appears only when all its parts are verified.
Without --from and --to the command restores everything that the chain has recorded. It reports every block that the storage lost
or hides, whatever the storage lists.
Give times with their zone: 2026-11-22T10:00:00Z, 2026-11-22T10:00+02:00, or 13 digits of ms since 1970. Output is in UTC.
For a period, the capture times of the blocks at both ends prove that nothing is left out, because a device's times never go
back. If its clock was set back, the earlier blocks form a stretch of their own and may lie elsewhere in the log.

Forms:
  --as files    one file for each file, version (x, x~2) and message; a stream of lines becomes the file lines
  --as lines    one file for all messages of a topic, or versions of a file, in order, each ending with a line end
  --as jsonl    the same as JSON, one block a line: capture time, the source's own time, and the text (or base64)
In addition, plumb-index.txt lists everything with its times, and plumb-index.jsonl lists every block: recorded name, path,
capture time, source's time, clock, verdict. Names that are not valid paths are changed; both lists give the original names.

Run again after Ctrl-C, or later, it verifies what is there, fetches what is missing, and adds what is new. It leaves a file alone
that was changed since, and writes the recorded version beside it.

Examples:
  plumb owner get weather --out ./weather
  plumb owner get weather --from 2026-11-22T00:00:00Z --to 2026-11-22T12:00:00Z --out ./morning
  plumb owner get weather --blocks 0-1023 --out ./first
  plumb owner get weather --as jsonl --out ./series
  plumb owner get weather --from s3 --out ./weather     from the bucket alone, when the service is gone
Exit codes: 0 everything is intact and restored, 1 something is not, 2 the folder cannot be used, 3 the chain or the storage does not answer.`;

interface FromOption {
  readonly time?: number;
  readonly s3?: boolean;
}

/** A time, or where to get it from: no time is called s3. */
function parseFrom(text: string, before: FromOption = {}): FromOption {
  return text === 's3' ? { ...before, s3: true } : { ...before, time: parseTime(text) };
}

type WantedRange = Pick<Wanted, 'by' | 'from' | 'to'>;

function wantedRange(options: GetOptions): WantedRange {
  const { time } = options.from ?? {};
  if (options.blocks !== undefined) {
    if (time !== undefined || options.to !== undefined) {
      throw new ArgumentError('Give either --blocks, or --from and --to.');
    }
    return { by: 'block', ...options.blocks };
  }
  if (time === undefined && options.to === undefined) return { by: 'block', from: 0, to: FOREVER };
  const from = time ?? 0;
  const to = options.to ?? FOREVER;
  if (from > to) throw new ArgumentError(`--from ${timeText(from)} is after --to ${timeText(to)}.`);
  return { by: 'time', from, to };
}

function requestOf(name: string, dataset: DatasetId, as: RestoreAs, { by, from, to }: WantedRange): RestoreRequest {
  return {
    as,
    of: { dataset, by, from, to: to === FOREVER ? 'end' : to },
    title: `dataset ${printable(name)} as ${as}, ${rangeText({ by, from, to })}`,
  };
}

function rangeText({ by, from, to }: WantedRange): string {
  if (by === 'block') return to === FOREVER ? 'all blocks' : blocksText({ from, to });
  const end = to === FOREVER ? 'the end' : timeText(to);
  return `captured from ${from === 0 ? 'the beginning' : timeText(from)} to ${end}`;
}
