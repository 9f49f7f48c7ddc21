import type { DatasetId } from '../../core/ids.ts';
import type { TableReader } from '../ports.ts';
import type { SegmentEntry } from '../state/entries.ts';
import { findLogEntry, queryLog } from '../state/log-entry.ts';
import { isReadable } from '../state/segment-entry.ts';

/**
 * Whether the final chain has gone another way than a segment that was turned away: where it would stand, the log has other
 * batches, and tiles, which are made of what is final alone. Then nothing can vouch for it any more.
 * @param tiledTo as the dataset's entry says it
 */
export async function isPassedOver(
  table: TableReader,
  dataset: DatasetId,
  segment: SegmentEntry,
  tiledTo: number,
  signal?: AbortSignal,
): Promise<boolean> {
  if (!isReadable(segment) || segment.headSize > tiledTo) return false;
  const { first, headSize, sha256Hex } = segment;
  const begin = await findLogEntry(table, dataset, first, signal);
  const range = { from: first + 1, to: headSize - 1, most: headSize - first };
  const others = await queryLog(table, dataset, range, signal);
  const log = begin === null ? [] : [begin, ...others];
  return log.length > 0 && log.every((entry) => entry.sha256Hex !== null && entry.sha256Hex !== sha256Hex);
}
