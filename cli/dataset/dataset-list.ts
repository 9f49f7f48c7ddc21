import type { Command } from 'commander';
import { createJsonRpc } from '../../adapters/ethereum/json-rpc.ts';
import { readBlockTime } from '../../adapters/ethereum/read-chain-point.ts';
import { readStored, type Stored } from '../../client/owner/read-stored.ts';
import type { RoundStanding } from '../../client/read-round.ts';
import type { SignedCharter } from '../../core/charter/charter.ts';
import { eachInParallel } from '../../core/each-in-parallel.ts';
import { ArgumentError, PlumblineError } from '../../core/errors.ts';
import type { Address } from '../../core/ids.ts';
import type { RecordedEvent } from '../../core/ports/ledger.ts';
import { withKeystoreOptions } from '../command-options.ts';
import { openLedger, openRounds, openService, readConnection } from '../connection.ts';
import { EXIT } from '../exit-codes.ts';
import { type Output, printable } from '../output.ts';
import { type DatasetEntry, readDatasets } from '../owner/dataset-list.ts';
import { openOwner } from '../owner/owner-home.ts';
import { runCommand } from '../run-command.ts';
import { type KindName, kindName } from './kind-name.ts';
import { readStanding } from './read-standing.ts';

interface ListOptions {
  readonly json?: boolean;
}

/** A line of the answer. */
interface DatasetLine {
  readonly name: string;
  readonly dataset: string;
  readonly kind: KindName;
  /** Blocks that the chain has, and those that the service holds without a gap; null when it did not answer. */
  readonly recorded: number;
  readonly stored: number | null;
  /** Of the segments that the service holds. */
  readonly storedBytes: number | null;
  /** When the newest stored block was captured, ms since 1970. */
  readonly lastCaptureMs: number | null;
  /** How and when the newest recorded block came onto the chain; null before the first. */
  readonly recordedHow: 'directly' | null;
  readonly recordedBlock: number | null;
  readonly recordedMs: number | null;
  /** Blocks in the newest final round of its anchorer, and which round that is; null where it stands in none. */
  readonly anchored: number | null;
  readonly round: (RoundStanding['round'] & { readonly anchorer: Address }) | null;
  /** The device that writes it, and the serial of the charter that names it. */
  readonly device: string;
  readonly serial: number;
  /** Why the service did not answer. */
  readonly problem: string | null;
}

const PARALLEL = 8;

/** Adds `plumb dataset list`. */
export function addDatasetList(dataset: Command): void {
  const command = dataset
    .command('list')
    .description('A line a dataset: kind, blocks, bytes, last capture, what is recorded how and when, device.')
    .addHelpText('after', EXAMPLES);
  withKeystoreOptions(command).action((options: ListOptions) =>
    runCommand(options, async (context) => {
      const entries = await readDatasets(context.home);
      if (entries.length === 0) {
        throw new ArgumentError(
          `${context.home} lists no dataset. Create one: plumb dataset create NAME; or learn those of other machines: plumb owner restore`,
        );
      }
      const opened = await openOwner(context);
      const connection = await readConnection(context);
      const service = await openService(connection, opened, 'http');
      const ledger = openLedger(connection);
      const rpc = createJsonRpc(connection);
      const { signal } = context;
      const ids = entries.map((entry) => entry.dataset);
      const { point, heads } = await ledger.readHeads(ids, 'latest', signal);
      const { fromBlock } = connection;
      const chain = { ledger, fromBlock, rounds: openRounds(connection, service) };
      const lines: DatasetLine[] = [];
      await eachInParallel([...entries.keys()], PARALLEL, async (i) => {
        const entry = entries[i] as DatasetEntry;
        const recorded = heads[i]?.size ?? 0;
        const events =
          recorded === 0
            ? []
            : await ledger.findRecorded(entry.dataset, connection.fromBlock, point.blockNumber, signal);
        const last = events.reduce<RecordedEvent | null>((a, b) => (a === null || b.size > a.size ? b : a), null);
        const recordedMs = last === null ? null : await readBlockTime(rpc, last.blockNumber, signal);
        const round = await readStanding(chain, entry, signal);
        const known = Math.max(recorded, round?.size ?? 0);
        const stored = await readStored(service, entry.dataset, known, signal, 0).catch(problemOf);
        lines[i] = lineOf(entry, recorded, { last, recordedMs, round }, stored);
      });
      showLines(context.output, lines);
      return lines.some(({ problem }) => problem !== null) ? EXIT.unavailable : EXIT.ok;
    }),
  );
}

function problemOf(error: unknown): { problem: string } {
  if (!(error instanceof PlumblineError)) throw error;
  return { problem: error.shortMessage };
}

interface Recorded {
  readonly last: RecordedEvent | null;
  readonly recordedMs: number | null;
  readonly round: RoundStanding | null;
}

function lineOf(
  { name, dataset, kind, charters }: DatasetEntry,
  recorded: number,
  { last, recordedMs, round }: Recorded,
  found: Stored | { readonly problem: string },
): DatasetLine {
  const newest = charters.at(-1) as SignedCharter;
  const answered = 'problem' in found ? null : found;
  return {
    name,
    dataset,
    kind: kindName(kind),
    recorded,
    stored: answered?.blocks ?? null,
    storedBytes: answered?.sizeBytes ?? null,
    lastCaptureMs: answered?.lastCaptureMs ?? null,
    recordedHow: last === null ? null : 'directly',
    anchored: round?.size ?? null,
    round: round === null ? null : { ...round.round, anchorer: round.anchorer },
    recordedBlock: last?.blockNumber ?? null,
    recordedMs,
    device: newest.device,
    serial: newest.serial,
    problem: 'problem' in found ? found.problem : null,
  };
}

/** Where its newest head is: in a round or, by itself, on DISSC. */
function recordedText({ recorded, recordedBlock, recordedMs, anchored, round }: DatasetLine): string {
  if (round !== null && (anchored ?? 0) > recorded) {
    return `round ${round.number}, ${timeText(round.timeSeconds * 1_000)}`;
  }
  return recordedBlock === null ? 'not yet' : `block ${recordedBlock}, ${timeText(recordedMs)}`;
}

function showLines(output: Output, lines: readonly DatasetLine[]): void {
  if (output.json) {
    for (const line of lines) output.result(line, '');
    return;
  }
  const rows = [
    ['NAME', 'KIND', 'BLOCKS', 'RECORDED', 'BYTES', 'LAST CAPTURE', 'RECORDED IN', 'DEVICE'],
    ...lines.map((line) => [
      printable(line.name),
      line.kind,
      line.stored?.toLocaleString('en') ?? '?',
      Math.max(line.recorded, line.anchored ?? 0).toLocaleString('en'),
      line.storedBytes?.toLocaleString('en') ?? '?',
      line.problem === null ? timeText(line.lastCaptureMs) : printable(line.problem),
      recordedText(line),
      line.device,
    ]),
  ];
  const widths = (rows[0] as string[]).map((_, column) => Math.max(...rows.map((row) => (row[column] ?? '').length)));
  const text = rows.map((row) => row.map((cell, i) => (i === 7 ? cell : cell.padEnd(widths[i] as number))).join('  '));
  output.result(lines, text.join('\n'));
}

function timeText(ms: number | null): string {
  return ms === null ? 'never' : new Date(ms).toISOString();
}

const EXAMPLES = `
The list is a cache of this home. Datasets of other machines come into it by: plumb owner restore

Examples:
  plumb dataset list
  plumb dataset list --json --password-file password | jq -r .name`;
