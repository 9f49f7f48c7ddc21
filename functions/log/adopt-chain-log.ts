import { equalBytes } from '../../core/bytes.ts';
import type { DatasetId } from '../../core/ids.ts';
import type { Head } from '../../core/log/head.ts';
import type { RecordedGrowth } from '../../core/log/rebuild-peaks.ts';
import type { LogEntry } from '../state/entries.ts';
import { appendLogEntry, queryLog, readLogEnd, readLogEntry } from '../state/log-entry.ts';
import { putRecords } from '../state/records-entry.ts';
import { awaitSegments } from './await-segments.ts';
import { cutLog } from './cut-log.ts';
import { fillGap } from './fill-gap.ts';
import { findPath } from './find-path.ts';
import type { GrowingPorts } from './growing-ports.ts';
import { keepRecordsOf } from './keep-records-of.ts';
import { type Piece, pieceTogether } from './piece-together.ts';
import { readmitSegment } from './reject-root.ts';

/**
 * `agrees`: the log had the chain's head already. `adopted`: it has gone on towards it; ask again whether it agrees. `unknown`:
 * no stored segments lead to that head, and it is not final: they may be on their way. `contended`: another process writes the
 * log; what was done stays, and doing it again goes on.
 */
export type Adoption = 'agrees' | 'adopted' | 'unknown' | 'contended';

/** One accepted update, as DISSC's event says it. */
export interface ChainGrowth extends RecordedGrowth {
  readonly signer: string;
  /** Whether the chain cannot take it back. */
  readonly final: boolean;
}

/** Updates adopted in one call; the next one goes on. */
const MOST_EVENTS = 256;

/**
 * Makes the service's log follow the chain. Of rival segments the log holds the first verified; when the chain has recorded
 * another, the chain is right: the log is cut where the two part, and the segments that lead to the chain's heads take the
 * place of those behind. Where no stored segments lead to a final head (a thief may have recorded anything), the log goes on
 * behind it from what the chain's event says: all other blocks stay provable, and the next segments are taken in.
 *
 * Cut from the end and appended from the beginning, the log is a verified log at every moment, wherever this stops.
 * @param findEvents the dataset's `Recorded` events, all of them, oldest first; asked only where the log does not agree
 */
export async function adoptChainLog(
  ports: GrowingPorts,
  dataset: DatasetId,
  chain: Pick<Head, 'size' | 'root'>,
  findEvents: () => Promise<readonly ChainGrowth[]>,
  signal?: AbortSignal,
): Promise<Adoption> {
  if (chain.size === 0) return 'agrees';
  const there = await readLogEntry(ports.table, dataset, chain.size, signal);
  if (there !== null && equalBytes(there.root, chain.root)) return 'agrees';

  const events = await findEvents();
  const agreed = await lastAgreed(ports, dataset, events, signal);
  let from =
    agreed === -1 ? null : await readLogEntry(ports.table, dataset, (events[agreed] as ChainGrowth).size, signal);
  let adoption: Adoption = 'unknown';
  for (const event of events.slice(agreed + 1, agreed + 1 + MOST_EVENTS)) {
    const pieces = await findPieces(ports, dataset, from, event, signal);
    if (pieces === null) return adoption;
    for (const piece of pieces.slice(await commonPieces(ports, dataset, from, pieces, signal))) {
      if (!(await writePiece(ports, dataset, piece, signal))) return 'contended';
    }
    for (const { entry } of pieces) {
      // What was checked in while this looked for it has met a log without that gap, or has been cut off with what was there.
      if (entry.sha256Hex === null) await fillGap(ports, dataset, entry, signal);
    }
    from = await readLogEntry(ports.table, dataset, event.size, signal);
    // Cut or changed meanwhile.
    if (from === null) return 'contended';
    adoption = 'adopted';
  }
  if (adoption === 'adopted' && from !== null) await awaitSegments(ports.table, dataset, from.size, signal);
  return adoption;
}

/** The last event that the log agrees with, -1 when there is none: it agrees with all before that, and with none behind. */
async function lastAgreed(
  { table }: GrowingPorts,
  dataset: DatasetId,
  events: readonly ChainGrowth[],
  signal?: AbortSignal,
): Promise<number> {
  let [agreed, differs] = [-1, events.length];
  while (differs - agreed > 1) {
    const middle = Math.floor((agreed + differs) / 2);
    const { size, root } = events[middle] as ChainGrowth;
    const entry = await readLogEntry(table, dataset, size, signal);
    if (entry !== null && equalBytes(entry.root, root)) agreed = middle;
    else differs = middle;
  }
  return agreed;
}

/** What leads from an entry to the head of an event: stored segments, else, when it is final, the event itself. */
async function findPieces(
  ports: GrowingPorts,
  dataset: DatasetId,
  from: LogEntry | null,
  event: ChainGrowth,
  signal?: AbortSignal,
): Promise<Piece[] | null> {
  const steps = await findPath(ports, dataset, from, event, signal);
  if (steps !== null) return steps.map(({ entry, segment }) => ({ entry, segment, onlyRecords: null }));
  return event.final ? pieceTogether(ports, dataset, from, event, signal) : null;
}

/** How many of these the log has already; what it has behind them is cut off. */
async function commonPieces(
  { table }: GrowingPorts,
  dataset: DatasetId,
  from: LogEntry | null,
  pieces: readonly Piece[],
  signal?: AbortSignal,
): Promise<number> {
  const first = from?.size ?? 0;
  const last = (pieces.at(-1) as Piece).entry.first;
  const there = await queryLog(table, dataset, { from: first, to: last, most: pieces.length }, signal);
  const parting = pieces.findIndex(({ entry }, i) => !equalBytes(there[i]?.root ?? new Uint8Array(0), entry.root));
  const common = parting === -1 ? pieces.length : parting;
  const cut = pieces[common]?.entry.first;
  const end = await readLogEnd(table, dataset, signal);
  if (cut !== undefined && end !== null && end.size > cut) await cutLog(table, dataset, cut, signal);
  return common;
}

/** False when another process has written another entry there. */
async function writePiece(
  ports: GrowingPorts,
  dataset: DatasetId,
  { entry, segment, onlyRecords }: Piece,
  signal?: AbortSignal,
): Promise<boolean> {
  const { table } = ports;
  if (segment !== null) {
    if (onlyRecords !== null) await putRecords(table, dataset, onlyRecords, signal);
    else if (!(await keepRecordsOf(ports, dataset, segment, signal))) return false;
    // The chain vouches for what was turned away, be it for its signer (a device since replaced) or for its root.
    if (segment.state === 'rejected') await readmitSegment(ports, dataset, segment, signal);
  }
  if (await appendLogEntry(table, dataset, entry, signal)) return true;
  const there = await readLogEntry(table, dataset, entry.size, signal);
  return there !== null && equalBytes(there.root, entry.root);
}
