import { ArgumentError } from '../errors.ts';
import { MAX_LOG_BLOCKS } from '../limits.ts';

/**
 * A perfect subtree of a log: the 2^level records from `from` on, `from` being a multiple of 2^level. Its root never
 * changes once its records are there, whatever comes after them.
 */
export interface Subtree {
  readonly from: number;
  readonly level: number;
}

/**
 * The perfect subtrees of a log of `size` records, one for each bit set in `size`, the largest first. Their roots are the
 * log's peaks (specification#growth).
 * @throws ArgumentError when no log can have this size
 */
export function peakSubtrees(size: number): Subtree[] {
  requireLogSize(size);
  return rangeSubtrees(0, size);
}

/**
 * The perfect subtrees that lead from a log of `from` records to one of `to`: at each position p the largest 2^k that
 * divides p and does not pass the new size (specification#growth).
 * @throws ArgumentError when `to` is smaller than `from`, or no log can have these sizes
 */
export function appendedSubtrees(from: number, to: number): Subtree[] {
  requireLogSize(from);
  requireLogSize(to);
  if (to < from) throw new ArgumentError(`A log of ${from} blocks cannot grow to ${to}.`);
  const appended: Subtree[] = [];
  for (let at = from; at < to; ) {
    let level = 0;
    while (at % 2 ** (level + 1) === 0 && at + 2 ** (level + 1) <= to) level++;
    appended.push({ from: at, level });
    at += 2 ** level;
  }
  return appended;
}

/**
 * The perfect subtrees of which RFC 9162 makes MTH over records from … to - 1, the largest first. `from` must be where the
 * RFC's splitting can arrive: a multiple of every power of two below `to - from`.
 */
export function rangeSubtrees(from: number, to: number): Subtree[] {
  const subtrees: Subtree[] = [];
  let at = from;
  for (let level = 48; level >= 0; level--) {
    if (to - at < 2 ** level) continue;
    subtrees.push({ from: at, level });
    at += 2 ** level;
  }
  return subtrees;
}

/** One name for each subtree, to keep its root under. */
export function subtreeName({ from, level }: Subtree): string {
  return `${level}/${from}`;
}

/** @throws ArgumentError unless 0 … 2^48 */
export function requireLogSize(size: number): void {
  if (!isLogSize(size)) {
    throw new ArgumentError(`A log of ${size} blocks is not allowed; it can have 0 to 2^48.`);
  }
}

/** Whether a log can have so many records. */
export function isLogSize(size: number): boolean {
  return Number.isSafeInteger(size) && size >= 0 && size <= MAX_LOG_BLOCKS;
}
