import { concatBytes, equalBytes } from '../../core/bytes.ts';
import { appendLeaves, rootOfPeaks } from '../../core/log/peaks.ts';
import type { Primitives } from '../../core/ports/primitives.ts';
import type { LogEntry } from '../state/entries.ts';
import { peaksAfter } from '../state/log-entry.ts';
import type { Segment } from './find-path.ts';

/**
 * The entry that a batch's blocks make from the log's end up to `size`. Where that is all of the batch, and leads to the head
 * that it was signed with, it is the batch's own entry.
 * @param leaves of the whole batch
 */
export function partOfBatch(
  hasher: Pick<Primitives, 'sha256'>,
  before: LogEntry | null,
  { first: begin, sha256Hex, signer, serial, signature, headSize, headRoot }: Segment,
  leaves: readonly Uint8Array[],
  size: number,
): LogEntry {
  const from = peaksAfter(before);
  const first = from.size;
  const { peaks } = appendLeaves(hasher, from, leaves.slice(first - begin, size - begin));
  const root = rootOfPeaks(hasher, { peaks });
  const isWhole = begin === first && size === headSize && equalBytes(root, headRoot);
  return {
    ...{ size, first, sha256Hex, signer, serial, root },
    ...(begin === first ? {} : { batch: begin }),
    peaks: concatBytes(...peaks),
    signature: isWhole ? signature.slice() : null,
    gaps: before?.gaps ?? 0,
  };
}
