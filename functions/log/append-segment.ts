import { batchLeafHash } from '../../core/batch/record.ts';
import { concatBytes, equalBytes } from '../../core/bytes.ts';
import type { DatasetId } from '../../core/ids.ts';
import { appendLeaf, EMPTY_FRONTIER, type Frontier, frontierRoot } from '../../core/log/frontier.ts';
import type { Primitives } from '../../core/ports/primitives.ts';
import type { LogEntry } from '../state/entries.ts';
import { frontierOf, leafOf } from '../state/log-entry.ts';
import type { ReadableSegment } from '../state/segment-entry.ts';

/** Where a log ends: after so many batches, and so many blocks. */
export interface LogPoint {
  readonly frontier: Frontier;
  /** In blocks. */
  readonly size: number;
}

/** The log's end after this entry; null stands for the empty log. */
export function pointAfter(entry: LogEntry | null): LogPoint {
  if (entry === null) return { frontier: EMPTY_FRONTIER, size: 0 };
  return { frontier: frontierOf(entry), size: entry.first + entry.count };
}

/**
 * The entry that a segment makes behind `end`, and the log's end then.
 * @returns null when that does not lead to the head the segment was signed with
 */
export function appendSegment(
  hasher: Pick<Primitives, 'sha256'>,
  dataset: DatasetId,
  end: LogPoint,
  segment: ReadableSegment,
): { readonly entry: LogEntry; readonly end: LogPoint } | null {
  const { first, count, sha256Hex, salt, batchRoot, sealedHash, published, signature, signer } = segment;
  if (first !== end.size) return null;
  const batch = { first, count, sha256Hex, salt, batchRoot, sealedHash, published, signature, signer };
  const frontier = appendLeaf(hasher, end.frontier, batchLeafHash(hasher, leafOf(dataset, batch)));
  const root = frontierRoot(hasher, frontier);
  if (!equalBytes(root, segment.headRoot)) return null;
  const entry = { batches: frontier.leaves, ...batch, peaks: concatBytes(...frontier.peaks), root };
  return { entry, end: { frontier, size: first + count } };
}
