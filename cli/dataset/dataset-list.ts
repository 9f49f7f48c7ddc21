import type { Command } from 'commander';
import { createJsonRpc } from '../../adapters/ethereum/json-rpc.ts';
import { readBlockTimes } from '../../adapters/ethereum/read-chain-point.ts';
import type { RoundStanding } from '../../client/growth/round-standing.ts';
import { type DatasetStanding, readStandings } from '../../client/owner/read-standings.ts';
import { printable } from '../../client/printable.ts';
import type { SignedCharter } from '../../core/charter/charter.ts';
import { ArgumentError } from '../../core/errors.ts';
import type { Address, DatasetId } from '../../core/ids.ts';
import type { RecordedEvent } from '../../core/ports/ledger.ts';
import { type Connection, openLedger, openService, readConnection } from '../../library/connection.ts';
import { type DatasetEntry, readDatasets } from '../../library/dataset-list.ts';
import { openRounds } from '../../library/open-rounds.ts';
import { withKeystoreOptions } from '../command-options.ts';
import type { Output } from '../output.ts';
import { openOwner } from '../owner/owner-home.ts';
import { runCommand } from '../run-command.ts';
import { type KindName, kindName } from './kind-name.ts';
import { standingNote, standingsExit } from './standing-note.ts';

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
  /** Whom its newest known charter names; null where it is recorded directly. */
  readonly anchorer: Address | null;
  /** Why it stands in no round, where it ought to; and where the newest round is older than the limit. */
  readonly said: string | null;
  readonly late: RoundStanding['late'];
  /** What is wrong with how its log or its rounds have grown since they were seen last. */
  readonly faults: DatasetStanding['faults'];
  /** The device that writes it, and the serial of the charter that names it. */
  readonly device: string;
  readonly serial: number;
  /** Why the service did not answer. */
  readonly problem: string | null;
}

/** Adds `plumb dataset list`. */
export function addDatasetList(dataset: Command): void {
  const command = dataset
    .command('list')
    .description(
      'List the datasets, one a line: kind, blocks, bytes, last capture, what is recorded, how and when, device.',
    )
    .addHelpText('after', EXAMPLES);
  withKeystoreOptions(command).action((options: ListOptions) =>
    runCommand(options, async (context) => {
      const entries = await readDatasets(context.home);
      if (entries.length === 0) {
        throw new ArgumentError(
          `${context.home} lists no dataset. Create one: plumb dataset create NAME; or find those made on other machines: plumb owner restore`,
        );
      }
      const connection = await readConnection(context);
      const opened = await openOwner(context);
      const service = await openService(connection, opened, 'http');
      const ledger = openLedger(connection);
      const rounds = openRounds(context.home, connection, service, entries);
      const { fromBlock } = connection;
      const { signal, output } = context;
      const deps = { ledger, fromBlock, rounds, service };
      const onRead = (done: number): void => output.progress(`Asking the service … ${done} of ${entries.length}`);
      const { point, standings } = await readStandings(deps, opened.address, entries, true, onRead, signal);
      for (const problem of rounds.memory?.problems ?? []) output.notice(problem);
      const recorded = standings.flatMap(({ dataset, recorded: blocks }) => (blocks === 0 ? [] : [dataset]));
      const last = await readLast(connection, recorded, point.blockNumber, signal);
      const lines = standings.map((standing, i) =>
        lineOf(entries[i] as DatasetEntry, standing, last.get(standing.dataset) ?? null, connection.anchorer),
      );
      showLines(output, lines);
      return standingsExit(standings);
    }),
  );
}

/** The update that brought a dataset as far as it is recorded, and when. */
interface LastRecorded {
  readonly event: RecordedEvent;
  readonly timeMs: number | null;
}

async function readLast(
  connection: Connection,
  datasets: readonly DatasetId[],
  toBlock: number,
  signal: AbortSignal,
): Promise<Map<DatasetId, LastRecorded>> {
  const events = await openLedger(connection).findRecordedOf(datasets, connection.fromBlock, toBlock, signal);
  const last = new Map<DatasetId, RecordedEvent>();
  for (const event of events) {
    if (event.size > (last.get(event.dataset)?.size ?? 0)) last.set(event.dataset, event);
  }
  const blocks = [...new Set([...last.values()].map(({ blockNumber }) => blockNumber))];
  const times = await readBlockTimes(createJsonRpc(connection), blocks, signal);
  return new Map(
    [...last].map(([dataset, event]) => [dataset, { event, timeMs: times.get(event.blockNumber) ?? null }]),
  );
}

function lineOf(
  { name, kind, charters }: DatasetEntry,
  standing: DatasetStanding,
  last: LastRecorded | null,
  ours: Address | null,
): DatasetLine & { readonly note: string } {
  const newest = charters.at(-1) as SignedCharter;
  const { dataset, recorded, standing: round, said, faults, stored, problem } = standing;
  return {
    ...{ name, dataset, kind: kindName(kind), recorded },
    stored: stored?.blocks ?? null,
    storedBytes: stored?.sizeBytes ?? null,
    lastCaptureMs: stored?.lastCaptureMs ?? null,
    recordedHow: last === null ? null : 'directly',
    anchored: round?.size ?? null,
    round: round === null ? null : { ...round.round, anchorer: round.anchorer },
    ...{ said, late: round?.late ?? null, faults, anchorer: standing.anchorer },
    recordedBlock: last?.event.blockNumber ?? null,
    recordedMs: last?.timeMs ?? null,
    device: newest.device,
    serial: newest.serial,
    problem,
    note: standingNote(standing, ours),
  };
}

/** Where its newest head is: in a round or, by itself, on DISSC. */
function recordedText({ recorded, recordedBlock, recordedMs, anchored, round }: DatasetLine): string {
  if (round !== null && (anchored ?? 0) > recorded) {
    return `round ${round.number}, ${timeText(round.timeSeconds * 1_000)}`;
  }
  return recordedBlock === null ? 'not yet' : `block ${recordedBlock}, ${timeText(recordedMs)}`;
}

function showLines(output: Output, lines: readonly (DatasetLine & { readonly note: string })[]): void {
  if (output.json) {
    for (const { note: _, ...line } of lines) output.result(line, '');
    return;
  }
  const rows = [
    ['NAME', 'KIND', 'BLOCKS', 'RECORDED', 'BYTES', 'LAST CAPTURE', 'RECORDED IN', 'DEVICE', ''],
    ...lines.map((line) => [
      printable(line.name),
      line.kind,
      line.stored?.toLocaleString('en') ?? '?',
      Math.max(line.recorded, line.anchored ?? 0).toLocaleString('en'),
      line.storedBytes?.toLocaleString('en') ?? '?',
      line.problem === null ? timeText(line.lastCaptureMs) : printable(line.problem),
      recordedText(line),
      line.device,
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

function timeText(ms: number | null): string {
  return ms === null ? 'never' : new Date(ms).toISOString();
}

const EXAMPLES = `
The list is a cache in this home folder. To add datasets made on other machines: plumb owner restore

Examples:
  plumb dataset list
  plumb dataset list --json --password-file password | jq -r .name`;
