import type { Command } from 'commander';
import { readStored, type Stored } from '../../client/owner/read-stored.ts';
import { eachInParallel } from '../../core/each-in-parallel.ts';
import { ArgumentError, PlumblineError } from '../../core/errors.ts';
import { withKeystoreOptions } from '../command-options.ts';
import { openLedger, openRounds, openService, readConnection } from '../connection.ts';
import { readStanding } from '../dataset/read-standing.ts';
import { EXIT } from '../exit-codes.ts';
import { type Output, printable } from '../output.ts';
import { type DatasetEntry, readDatasets } from '../owner/dataset-list.ts';
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

const PARALLEL = 8;

/** Adds `plumb fleet status`. */
export function addFleetStatus(fleet: Command): void {
  const command = fleet
    .command('status')
    .description(
      'A line a dataset: recorded, final, anchored and stored blocks, lag, and when its device was last heard of.',
    )
    .option('--prefix <name>', 'only datasets whose name begins with this')
    .addHelpText('after', EXAMPLES);
  withKeystoreOptions(command).action((options: StatusOptions) =>
    runCommand(options, async (context) => {
      const { prefix = '' } = options;
      const entries = (await readDatasets(context.home)).filter(({ name }) => name.startsWith(prefix));
      if (entries.length === 0) throw new ArgumentError(`No dataset in ${context.home} begins with "${prefix}".`);
      const opened = await openOwner(context);
      const connection = await readConnection(context);
      const service = await openService(connection, opened, 'http');
      const ledger = openLedger(connection);
      const ids = entries.map(({ dataset }) => dataset);
      const [latest, final] = await Promise.all([
        ledger.readHeads(ids, 'latest', context.signal),
        ledger.readHeads(ids, 'final', context.signal),
      ]);
      const chain = { ledger, fromBlock: connection.fromBlock, rounds: openRounds(connection, service) };
      const anchored: (number | null)[] = [];
      const stored: (Stored | { readonly problem: string })[] = [];
      const numbers = entries.map((_, i) => i);
      await eachInParallel(numbers, PARALLEL, async (i) => {
        context.signal.throwIfAborted();
        const entry = entries[i] as DatasetEntry;
        const size = (await readStanding(chain, entry, context.signal))?.size ?? null;
        anchored[i] = size;
        const known = Math.max(latest.heads[i]?.size ?? 0, size ?? 0);
        stored[i] = await readStored(service, entry.dataset, known, context.signal).catch(problemOf);
        context.output.progress(`Asking the service … ${stored.filter(Boolean).length} of ${entries.length}`);
      });
      const nowMs = Date.now();
      const lines = entries.map((entry, i) =>
        lineOf(
          {
            ...{ name: entry.name, dataset: entry.dataset, anchored: anchored[i] ?? null },
            ...{ recorded: latest.heads[i]?.size ?? 0, final: final.heads[i]?.size ?? 0 },
          },
          stored[i] as Stored,
          nowMs,
        ),
      );
      showLines(context.output, lines, nowMs);
      return lines.some(({ problem }) => problem !== null) ? EXIT.unavailable : EXIT.ok;
    }),
  );
}

function lineOf(
  head: Pick<DatasetStatus, 'name' | 'dataset' | 'recorded' | 'final' | 'anchored'>,
  found: Stored | { readonly problem: string },
  nowMs: number,
): DatasetStatus {
  if ('problem' in found) {
    return { ...head, stored: null, lagBlocks: null, lagMs: null, lastSeenMs: null, problem: found.problem };
  }
  const known = Math.max(head.recorded, head.anchored ?? 0);
  const stored = Math.max(found.blocks, known);
  return {
    ...head,
    stored,
    lagBlocks: stored - known,
    lagMs: found.oldestUnrecordedMs === null ? 0 : Math.max(0, nowMs - found.oldestUnrecordedMs),
    lastSeenMs: found.lastSeenMs,
    problem: null,
  };
}

function problemOf(error: unknown): { problem: string } {
  if (!(error instanceof PlumblineError)) throw error;
  return { problem: error.shortMessage };
}

function showLines(output: Output, lines: readonly DatasetStatus[], nowMs: number): void {
  if (output.json) {
    for (const line of lines) output.result(line, '');
    return;
  }
  const rows = [
    ['NAME', 'RECORDED', 'FINAL', 'ANCHORED', 'STORED', 'LAG', 'LAST SEEN'],
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
          : `${age(nowMs - line.lastSeenMs)} ago`,
    ]),
  ];
  const widths = (rows[0] as string[]).map((_, column) => Math.max(...rows.map((row) => (row[column] ?? '').length)));
  const text = rows.map((row) => row.map((cell, i) => (i === 6 ? cell : cell.padEnd(widths[i] as number))).join('  '));
  output.result(lines, text.join('\n'));
}

function lagText(blocks: number, ms: number): string {
  return blocks === 0 ? '0' : `${blocks.toLocaleString('en')} for ${age(ms)}`;
}

function age(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1000));
  if (seconds < 120) return `${seconds} s`;
  if (seconds < 7200) return `${Math.round(seconds / 60)} min`;
  return seconds < 172_800 ? `${Math.round(seconds / 3600)} h` : `${Math.round(seconds / 86_400)} d`;
}

const EXAMPLES = `
Examples:
  plumb fleet status --prefix pump
  plumb fleet status --json --password-file password | jq -r 'select(.lagMs > 600000) | .name'`;
