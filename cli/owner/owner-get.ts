import { resolve } from 'node:path';
import { type Command, Option } from 'commander';
import { nodePrimitives } from '../../adapters/crypto/node-primitives.ts';
import { downloadPresigned } from '../../adapters/service/download-presigned.ts';
import { type GotBlock, getRange } from '../../client/owner/get-range.ts';
import { type Restored, restoreFiles } from '../../client/owner/restore-files.ts';
import { ArgumentError } from '../../core/errors.ts';
import type { Verdict, VerdictAnchor } from '../../core/verdict.ts';
import { withKeystoreOptions } from '../command-options.ts';
import { openLedger, openService, readConnection } from '../connection.ts';
import { EXIT } from '../exit-codes.ts';
import { type Output, printable } from '../output.ts';
import { parseRange, parseTime } from '../parse-arguments.ts';
import { runCommand } from '../run-command.ts';
import { datasetKeyOf, findDataset, openOwner } from './owner-home.ts';

interface GetOptions {
  readonly from?: number;
  readonly to?: number;
  readonly blocks?: { from: number; to: number };
  readonly out: string;
  readonly via: 'http' | 'lambda';
  readonly anchor: 'final' | 'latest';
  readonly json?: boolean;
}

interface GetReport {
  readonly dataset: string;
  readonly out: string;
  readonly anchor: VerdictAnchor | null;
  readonly intact: number;
  readonly notIntact: readonly Verdict[];
  readonly restored: Restored;
  readonly ok: boolean;
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
    .addOption(new Option('--via <way>', 'how requests travel').choices(['http', 'lambda']).default('http'))
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
      const { output } = context;
      let anchor: VerdictAnchor | null = null;
      let intact = 0;
      const notIntact: Verdict[] = [];
      const blocks = getRange(
        {
          primitives: nodePrimitives,
          ledger: openLedger(connection),
          service: await openService(connection, opened, options.via),
          download: downloadPresigned,
        },
        {
          dataset,
          datasetKey: datasetKeyOf(opened, dataset),
          anchor: options.anchor,
          fromBlock: connection.fromBlock,
          ...range,
        },
        (found) => {
          anchor = found;
        },
        context.signal,
      );
      async function* counted(): AsyncGenerator<GotBlock> {
        for await (const block of blocks) {
          if (block.verdict.verdict === 'intact') intact += 1;
          else notIntact.push(block.verdict);
          output.progress(`${intact} blocks verified, ${notIntact.length} not intact`);
          yield block;
        }
      }
      const out = resolve(options.out);
      const restored = await restoreFiles(out, counted());
      notIntact.push(...beyondTheLog(range, anchor));
      const ok = notIntact.length === 0 && restored.incomplete.length === 0 && intact > 0;
      const report: GetReport = { dataset, out, anchor, intact, notIntact, restored, ok };
      output.result(report, reportText(output, report));
      return ok ? EXIT.ok : EXIT.notIntact;
    }),
  );
}

const EXAMPLES = `
A damaged block is named and never written; a file appears only when all its parts are verified.
By --blocks, a block that the storage hides is named as well; by time, which batches fall into the range is the
storage's word.

Examples:
  plumb owner get weather --from 2026-11-22T00:00:00Z --to 2026-11-22T12:00:00Z --out ./morning
  plumb owner get weather --blocks 0-1023 --out ./first`;

function wantedRange(options: GetOptions): { by: 'block' | 'time'; from: number; to: number } {
  if (options.blocks !== undefined) {
    if (options.from !== undefined || options.to !== undefined) {
      throw new ArgumentError('Give --blocks, or --from and --to, not both.');
    }
    return { by: 'block', ...options.blocks };
  }
  const from = options.from ?? 0;
  const to = options.to ?? Number.MAX_SAFE_INTEGER;
  if (from > to) throw new ArgumentError(`--from ${from} lies after --to ${to}.`);
  return { by: 'time', from, to };
}

/** What was asked for by number and the chain does not have: one verdict for all of it, as a range may end anywhere. */
function beyondTheLog(
  range: { by: 'block' | 'time'; from: number; to: number },
  anchor: VerdictAnchor | null,
): Verdict[] {
  if (anchor === null || range.by === 'time' || range.to < anchor.size) return [];
  const index = Math.max(range.from, anchor.size);
  const reason = `The chain's log ends at block ${anchor.size - 1}; blocks ${index} to ${range.to} are not recorded.`;
  return [{ index, verdict: 'unrecorded', evidence: 'retrieved', reason, blame: null, signer: null }];
}

function reportText(output: Output, report: GetReport): string {
  const { anchor, restored } = report;
  const lines =
    restored.lines === null ? [] : [`  lines         ${restored.lines.blocks} blocks in ${restored.lines.path}`];
  return [
    `Dataset ${report.dataset}`,
    ...(anchor === null ? [] : [`  chain block   ${anchor.point.blockNumber} (${anchor.anchor})`]),
    `  verified      ${report.intact} blocks, every byte hashed here`,
    `  files         ${restored.files.length}${restored.files.length === 0 ? '' : `: ${restored.files.slice(0, 20).map(printable).join(', ')}`}`,
    ...lines,
    ...restored.incomplete.map(
      (file) => `  incomplete    ${printable(file.name)}: ${file.got} of ${file.parts} parts; not written`,
    ),
    ...report.notIntact
      .slice(0, 50)
      .map((v) => `  block ${v.index}: ${output.style('red', v.verdict)}: ${v.reason}; not written`),
    report.ok
      ? output.style('green', `Everything in the range is intact and in ${report.out}.`)
      : output.style(
          'red',
          report.intact === 0 && report.notIntact.length === 0
            ? 'Nothing is in this range.'
            : 'Not everything could be brought back.',
        ),
  ].join('\n');
}
