import { concatBytes, equalBytes } from '../../core/bytes.ts';
import { ChainAnswerError, StateError } from '../../core/errors.ts';
import type { DatasetId } from '../../core/ids.ts';
import { MAX_BATCH_BLOCKS } from '../../core/limits.ts';
import { growPeaks } from '../../core/log/growth.ts';
import { rootOfLeafHashes } from '../../core/log/merkle.ts';
import { rootOfPeaks } from '../../core/log/peaks.ts';
import type { RecordedGrowth } from '../../core/log/rebuild-peaks.ts';
import { appendedSubtrees } from '../../core/log/subtrees.ts';
import type { LogEntry, RecordsEntry } from '../state/entries.ts';
import { batchOf, peaksAfter, queryLog } from '../state/log-entry.ts';
import { isReadable, readSegmentEntry } from '../state/segment-entry.ts';
import { type Budget, type Covered, coverSubtree } from './cover-subtree.ts';
import { listSegments, type Segment } from './find-path.ts';
import type { GrowingPorts } from './growing-ports.ts';
import { leavesOfSegment } from './leaves-of-segment.ts';
import { openLog } from './open-log.ts';
import { partOfBatch } from './part-of-batch.ts';

/** What the log becomes: one entry after the other. */
export interface Piece {
  readonly entry: LogEntry;
  /** Whose records are to be kept; null where they are, and for a gap. */
  readonly segment: Segment | null;
  /** Its records, where no manifest has them any more. */
  readonly onlyRecords: readonly RecordsEntry[] | null;
}

type Event = RecordedGrowth & { readonly signer: string };

const MOST_ENTRIES = 100_000;
/** Batches read for one event: what lies behind is left to the chain's word. */
const MOST_READ = 4_096;

/**
 * What remains of an event whose batches do not lead all the way through: the log's own entries, and then, subtree by subtree of the
 * event, the batches that lead to its root; parts of them where they cross its borders. The rest has the chain's word alone.
 * @param from the log's entry that the event goes on behind
 * @throws ChainAnswerError when the event does not lead to its own root
 */
export async function pieceTogether(
  ports: GrowingPorts,
  dataset: DatasetId,
  from: LogEntry | null,
  event: Event,
  signal?: AbortSignal,
): Promise<Piece[]> {
  const begin = from?.size ?? 0;
  const own = await ownPieces(ports, dataset, from, event, signal);
  const pieces = [...own];
  let before = own.at(-1)?.entry ?? from;
  const add = (piece: Piece): void => {
    pieces.push(piece);
    before = piece.entry;
  };
  const readFrom = Math.max(0, (before?.size ?? 0) - MAX_BATCH_BLOCKS + 1);
  const segments = await listSegments(ports, dataset, readFrom, event.size, signal);
  const budget: Budget = { left: MOST_READ };
  let unknown: Uint8Array[] = [];
  let unknownTo = begin;
  const addGap = (): void => {
    if (unknown.length > 0) add(gapOf(ports, before, unknownTo, unknown, event.signer));
    unknown = [];
  };
  for (const [i, subtree] of appendedSubtrees(begin, event.size).entries()) {
    if (subtree.from < (before?.size ?? 0)) continue;
    const root = event.appended[i] as Uint8Array;
    const covered = await coverSubtree(ports, dataset, { ...subtree, root }, segments, budget, signal);
    if (covered === null) {
      unknown.push(root);
      unknownTo = subtree.from + 2 ** subtree.level;
      continue;
    }
    addGap();
    for (const one of covered) {
      const last = pieces.at(-1);
      // Of one batch on both sides of a border there is one entry.
      if (one.segment !== null && last?.segment?.key === one.segment.key) {
        pieces.pop();
        before = pieces.at(-1)?.entry ?? from;
      }
      add(pieceOf(ports, before, one, event.signer));
    }
  }
  addGap();
  if (before === null || !equalBytes(before.root, event.root)) {
    throw new ChainAnswerError(
      `The event of ${event.size} blocks does not lead to its own root. An earlier event may be missing.`,
    );
  }
  return pieces;
}

/** Entries that the log has behind `from`, as far as the event's subtrees are its own; the last may be the part of a batch. */
async function ownPieces(
  ports: GrowingPorts,
  dataset: DatasetId,
  from: LogEntry | null,
  event: Event,
  signal?: AbortSignal,
): Promise<Piece[]> {
  const { table, primitives } = ports;
  const begin = from?.size ?? 0;
  const end = await agreedTo(ports, dataset, begin, event, signal);
  if (end === begin) return [];
  const known = await queryLog(table, dataset, { from: begin, to: end - 1, most: MOST_ENTRIES }, signal);
  const pieces: Piece[] = known
    .filter(({ size }) => size <= end)
    .map((entry) => ({ entry, segment: null, onlyRecords: null }));
  const before = pieces.at(-1)?.entry ?? from;
  const reached = before?.size ?? 0;
  const crossing = known.find(({ first }) => first === reached);
  if (reached === end || crossing === undefined) return reached === end ? pieces : [];
  const name = batchOf(crossing);
  const segment = name === null ? null : await readSegmentEntry(table, dataset, name, signal);
  const isKnown = segment !== null && isReadable(segment);
  const leaves = isKnown ? await leavesOfSegment(ports, dataset, segment as Segment, signal) : null;
  if (leaves !== null) {
    const entry = partOfBatch(primitives, before, segment as Segment, leaves.leaves, end);
    return [...pieces, { entry, segment: segment as Segment, onlyRecords: leaves.onlyRecords }];
  }
  const { reader } = await openLog(ports, dataset, signal);
  const roots = await orNull(reader.subtrees(appendedSubtrees(reached, end)));
  return roots === null ? [] : [...pieces, gapOf(ports, before, end, roots, event.signer)];
}

/** How far the log goes along with the event: as far as the subtrees of the event are its own. */
async function agreedTo(
  ports: GrowingPorts,
  dataset: DatasetId,
  begin: number,
  event: Event,
  signal?: AbortSignal,
): Promise<number> {
  const log = await openLog(ports, dataset, signal);
  let end = begin;
  for (const [i, subtree] of appendedSubtrees(begin, event.size).entries()) {
    const next = subtree.from + 2 ** subtree.level;
    if (next > log.size) break;
    const own = (await orNull(log.reader.subtrees([subtree])))?.[0];
    if (own === undefined || !equalBytes(own, event.appended[i] as Uint8Array)) break;
    end = next;
  }
  return end;
}

function pieceOf(
  { primitives }: GrowingPorts,
  before: LogEntry | null,
  { from, to, segment, known }: Covered,
  signer: string,
): Piece {
  if (segment !== null) {
    const entry = partOfBatch(primitives, before, segment, known.leaves, to);
    return { entry, segment, onlyRecords: known.onlyRecords };
  }
  const roots = appendedSubtrees(from, to).map((subtree) =>
    rootOfLeafHashes(primitives, known.leaves.slice(subtree.from - from, subtree.from - from + 2 ** subtree.level)),
  );
  return gapOf({ primitives }, before, to, roots, signer);
}

function gapOf(
  { primitives }: Pick<GrowingPorts, 'primitives'>,
  before: LogEntry | null,
  size: number,
  appended: readonly Uint8Array[],
  signer: string,
): Piece {
  const { peaks } = growPeaks(primitives, peaksAfter(before), size, appended);
  const entry: LogEntry = {
    ...{ size, first: before?.size ?? 0, sha256Hex: null, signature: null, serial: null, signer },
    ...{ root: rootOfPeaks(primitives, { peaks }), peaks: concatBytes(...peaks), appended: concatBytes(...appended) },
    gaps: (before?.gaps ?? 0) + 1,
  };
  return { entry, segment: null, onlyRecords: null };
}

async function orNull<T>(promise: Promise<T>): Promise<T | null> {
  try {
    return await promise;
  } catch (error) {
    if (error instanceof StateError) return null;
    throw error;
  }
}
