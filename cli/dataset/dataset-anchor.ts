import { type Command, Option } from 'commander';
import {
  type AnchorerPlan,
  type NameAnchorerDeps,
  planAnchorer,
  sendAnchorer,
} from '../../client/owner/name-anchorer.ts';
import { printable } from '../../client/printable.ts';
import { ArgumentError } from '../../core/errors.ts';
import type { Address, DatasetId } from '../../core/ids.ts';
import { openLedger, openService, readConnection } from '../../library/connection.ts';
import { addDatasets, type DatasetEntry, entryOf, pickEntry, readDatasets } from '../../library/dataset-list.ts';
import { openDisscOwner } from '../../library/open-contracts.ts';
import { withKeystoreOptions } from '../command-options.ts';
import { EXIT } from '../exit-codes.ts';
import { type Output, progressBar } from '../output.ts';
import { openOwner } from '../owner/owner-home.ts';
import { runCommand } from '../run-command.ts';
import { answerOf, type Done, doneText, planText } from './anchor-text.ts';
import { KINDS, type KindName } from './kind-name.ts';
import { type AnchorName, anchorOption, requireAnchorer } from './open-and-enter.ts';

interface AnchorOptions {
  readonly anchor: AnchorName;
  readonly match?: string;
  readonly kind?: KindName;
  readonly elsewhere?: boolean;
  readonly dryRun?: boolean;
  readonly json?: boolean;
}

/** Adds `plumb dataset anchor`. */
export function addDatasetAnchor(dataset: Command): void {
  const command = dataset
    .command('anchor')
    .description(
      "Charter existing datasets to this service's rounds, or to direct records. One transaction for each 100; safe to run again.",
    )
    .argument('[datasets...]', 'names or ids of datasets')
    .addOption(anchorOption('round'))
    .option('--match <pattern>', 'datasets whose names match; * stands for any text, ? for one character')
    .addOption(new Option('--kind <kind>', 'only datasets of this kind').choices(Object.keys(KINDS)))
    .option('--elsewhere', "only datasets whose charter names another anchorer than this service's account")
    .option('--dry-run', 'show what it would send, and the gas; send nothing')
    .addHelpText('after', EXAMPLES);
  withKeystoreOptions(command).action((names: readonly string[], options: AnchorOptions) =>
    runCommand(options, async (context) => {
      const { home, output, signal } = context;
      const entries = chooseDatasets(await readDatasets(home), home, names, options);
      const connection = await readConnection(context);
      const ours = options.anchor === 'round' || options.elsewhere === true ? requireAnchorer(connection) : null;
      const anchorer = options.anchor === 'round' ? ours : null;
      const opened = await openOwner(context);
      const deps: NameAnchorerDeps = {
        sources: {
          ledger: openLedger(connection),
          fromBlock: connection.fromBlock,
          service: await openService(connection, opened, 'http'),
          bucket: null,
        },
        chain: openDisscOwner(context, connection, opened),
        nowSeconds: () => Math.floor(Date.now() / 1000),
      };
      const isWanted = (before: Address | null): boolean =>
        options.elsewhere !== true || (before !== null && before !== ours);
      const wanted = entries.map(({ dataset: id, charters }) => ({ dataset: id, kept: charters }));
      output.progress('Reading their charters …');
      const plan = await planAnchorer(deps, opened, wanted, anchorer, isWanted, signal);
      for (const problem of plan.problems) output.notice(printable(problem));
      if (options.dryRun === true) {
        output.result(answerOf(plan, anchorer, null), planText(plan, anchorer));
        return EXIT.ok;
      }
      if (plan.parts.length > 0) output.notice(planText(plan, anchorer));
      const done = await finish(deps, plan, byId(entries), home, output, signal);
      output.result(answerOf(plan, anchorer, done), doneText(plan, anchorer, done));
      return EXIT.ok;
    }),
  );
}

/** Sends what is to be sent; this home lists what is done after each transaction. */
async function finish(
  deps: NameAnchorerDeps,
  plan: AnchorerPlan,
  entries: ReadonlyMap<DatasetId, DatasetEntry>,
  home: string,
  output: Output,
  signal: AbortSignal,
): Promise<Done> {
  const done: Done = { transactions: [], gasUsed: 0n, unshown: 0, problem: null };
  let count = 0;
  await sendAnchorer(
    deps,
    plan,
    async (part) => {
      const changed = part.datasets.map(({ dataset, charters }) =>
        entryOf(dataset, charters, entries.get(dataset)?.published === true),
      );
      await addDatasets(home, changed);
      for (const { txHash, gasUsed } of part.transactions) {
        done.transactions.push(txHash);
        done.gasUsed += BigInt(gasUsed);
      }
      done.unshown += part.unshown;
      done.problem ??= part.problem;
      count += part.datasets.length;
      output.progress(progressBar(count, plan.datasets.length, 'datasets'));
    },
    signal,
  );
  return done;
}

/** @throws ArgumentError when none is named, or none fits */
function chooseDatasets(
  all: readonly DatasetEntry[],
  home: string,
  names: readonly string[],
  { match, kind, elsewhere }: AnchorOptions,
): DatasetEntry[] {
  if (names.length === 0 && match === undefined && kind === undefined && elsewhere !== true) {
    throw new ArgumentError('Which datasets? Give their names, --match PATTERN, --kind KIND or --elsewhere.');
  }
  const named = names.map((name) => pickEntry(all, name, home));
  const fits = match === undefined ? () => true : patternOf(match);
  const from = names.length > 0 ? [...new Set(named)] : all;
  const chosen = from.filter((entry) => fits(entry.name) && (kind === undefined || entry.kind === KINDS[kind]));
  if (chosen.length > 0) return chosen;
  throw new ArgumentError(`No dataset in ${home} matches. To list them: plumb dataset list`);
}

function patternOf(pattern: string): (name: string) => boolean {
  const escaped = pattern
    .replaceAll(/[.+^${}()|[\]\\]/g, '\\$&')
    .replaceAll(/\*+/g, '.*')
    .replaceAll('?', '.');
  const expression = new RegExp(`^${escaped}$`, 'su');
  return (name) => expression.test(name);
}

const byId = (entries: readonly DatasetEntry[]): ReadonlyMap<DatasetId, DatasetEntry> =>
  new Map(entries.map((entry) => [entry.dataset, entry]));

const EXAMPLES = `
A dataset's charter names the account in whose rounds it is anchored. If that account belongs to another service, or is a former
key of this one, nobody here anchors the dataset. This command signs a charter with a higher serial for the same device, whose
device.json stays valid, and sends it to DISSC. If DISSC has no charter of a dataset yet, the first one goes along: some 38,500 gas
for each dataset then, less later.

Examples:
  plumb dataset anchor pump-7                                  to the rounds of this service
  plumb dataset anchor --elsewhere --dry-run                   all that name another anchorer: how many, and the gas
  plumb dataset anchor --match 'pump-*' --kind encrypted
  plumb dataset anchor pump-7 --anchor record                  to direct records`;
