import type { Command } from 'commander';
import { type DatasetStanding, readStandings } from '../../client/owner/read-standings.ts';
import { printable } from '../../client/printable.ts';
import { ArgumentError } from '../../core/errors.ts';
import type { Address } from '../../core/ids.ts';
import { openLedger, openService, readConnection } from '../../library/connection.ts';
import { type DatasetEntry, readDatasets } from '../../library/dataset-list.ts';
import { openRounds } from '../../library/open-rounds.ts';
import { withKeystoreOptions } from '../command-options.ts';
import { standingNote, standingsExit } from '../dataset/standing-note.ts';
import { durationText } from '../duration-text.ts';
import type { Output } from '../output.ts';
import { openOwner } from '../owner/owner-home.ts';
import { runCommand } from '../run-command.ts';

interface StatusOptions {
  readonly prefix?: string;
  readonly json?: boolean;
}

/** A line of the answer: blocks, and times in ms. */
interface DatasetStatus {
  readonly name: string;
  readonly dataset: string;
  readonly recorded: number;
  readonly final: number;
  /** In the newest final round of its anchorer; null where it stands in none. What is anchored there lags no more. */
  readonly anchored: number | null;
  /** Whom its newest known charter names; null where it is recorded directly. */
  readonly anchorer: Address | null;
  /** Why it stands in no round, where it ought to; and where the newest round is older than the limit. */
  readonly said: string | null;
  readonly late: NonNullable<DatasetStanding['standing']>['late'];
  /** What is wrong with how its log or its rounds have grown since they were seen last. */
  readonly faults: DatasetStanding['faults'];
  /** Blocks that the service holds without a gap; null when it did not answer. */
  readonly stored: number | null;
  /** Stored and not recorded: how many blocks, and for how long the oldest of them. */
  readonly lagBlocks: number | null;
  readonly lagMs: number | null;
  /** When the service last took something of this device; null when it never did, or did not answer. */
  readonly lastSeenMs: number | null;
  /** Why the service did not answer. */
  readonly problem: string | null;
}

/** Adds `plumb fleet status`. */
export function addFleetStatus(fleet: Command): void {
  const command = fleet
    .command('status')
    .description(
      'Show one line a dataset: recorded, final, anchored and stored blocks, lag, and when its device last reported.',
    )
    .option('--prefix <name>', 'only datasets whose name begins with this')
    .addHelpText('after', EXAMPLES);
  withKeystoreOptions(command).action((options: StatusOptions) =>
    runCommand(options, async (context) => {
      const { prefix = '' } = options;
      const entries = (await readDatasets(context.home)).filter(({ name }) => name.startsWith(prefix));
      if (entries.length === 0) throw new ArgumentError(`No dataset in ${context.home} begins with "${prefix}".`);
      const connection = await readConnection(context);
      const opened = await openOwner(context);
      const service = await openService(connection, opened, 'http');
      const rounds = openRounds(context.home, connection, service, entries);
      const deps = { ledger: openLedger(connection), fromBlock: connection.fromBlock, rounds, service };
      const onRead = (done: number): void =>
        context.output.progress(`Asking the service … ${done} of ${entries.length}`);
      const { standings } = await readStandings(deps, opened.address, entries, false, onRead, context.signal);
      for (const problem of rounds.memory?.problems ?? []) context.output.notice(problem);
      const nowMs = Date.now();
      const lines = standings.map((standing, i) =>
        lineOf(entries[i] as DatasetEntry, standing, nowMs, connection.anchorer),
      );
      showLines(context.output, lines, nowMs);
      return standingsExit(standings);
    }),
  );
}

function lineOf(
  { name }: DatasetEntry,
  standing: DatasetStanding,
  nowMs: number,
  ours: Address | null,
): DatasetStatus & { note: string } {
  const { dataset, recorded, final, said, faults, problem } = standing;
  const anchored = standing.standing?.size ?? null;
  const late = standing.standing?.late ?? null;
  const note = standingNote(standing, ours);
  const { anchorer } = standing;
  const head = { name, dataset, recorded, final, anchored, anchorer, said, late, faults, problem, note };
  if (standing.stored === null) return { ...head, stored: null, lagBlocks: null, lagMs: null, lastSeenMs: null };
  const { blocks, oldestUnrecordedMs, lastSeenMs } = standing.stored;
  const known = Math.max(recorded, anchored ?? 0);
  const stored = Math.max(blocks, known);
  const lagMs = oldestUnrecordedMs === null ? 0 : Math.max(0, nowMs - oldestUnrecordedMs);
  return { ...head, stored, lagBlocks: stored - known, lagMs, lastSeenMs };
}

function showLines(output: Output, lines: readonly (DatasetStatus & { note: string })[], nowMs: number): void {
  if (output.json) {
    for (const { note: _, ...line } of lines) output.result(line, '');
    return;
  }
  const rows = [
    ['NAME', 'RECORDED', 'FINAL', 'ANCHORED', 'STORED', 'LAG', 'LAST SEEN', ''],
    ...lines.map((line) => [
      printable(line.name),
      ...[line.recorded, line.final, line.anchored ?? '-', line.stored ?? '?'].map((value) =>
        value.toLocaleString('en'),
      ),
      line.lagBlocks === null ? '?' : lagText(line.lagBlocks, line.lagMs ?? 0),
      line.problem !== null
        ? printable(line.problem)
        : line.lastSeenMs === null
          ? 'never'
          : `${durationText(nowMs - line.lastSeenMs)} ago`,
      line.note,
    ]),
  ];
  const widths = (rows[0] as string[]).map((_, column) => Math.max(...rows.map((row) => (row[column] ?? '').length)));
  const text = rows.map((row) =>
    row
      .map((cell, i) => cell.padEnd(widths[i] as number))
      .join('  ')
      .trimEnd(),
  );
  output.result(lines, text.join('\n'));
}

function lagText(blocks: number, ms: number): string {
  return blocks === 0 ? '0' : `${blocks.toLocaleString('en')} for ${durationText(ms)}`;
}

const EXAMPLES = `
Examples:
  plumb fleet status --prefix pump
  plumb fleet status --json --password-file password | jq -r 'select(.lagMs > 600000) | .name'`;
