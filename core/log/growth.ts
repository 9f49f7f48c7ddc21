import { equalBytes } from '../bytes.ts';
import { ProofError } from '../errors.ts';
import { MAX_GROWTH_BLOCKS } from '../limits.ts';
import type { Primitives } from '../ports/primitives.ts';
import type { Head } from './head.ts';
import { type Peaks, pushSubtree, rootOfPeaks } from './peaks.ts';
import { appendedSubtrees, isLogSize, peakSubtrees } from './subtrees.ts';

type Hasher = Pick<Primitives, 'sha256'>;

/** State of a log: how long it is and what its records hash to. */
export type LogState = Pick<Head, 'size' | 'root'>;

/**
 * What shows that one state of a log extends another, and all that `DISSC.record` needs (specification#growth). Whatever
 * has come since, it is O(log n) hashes.
 */
export interface Growth {
  /** Blocks before and after. */
  readonly from: number;
  readonly to: number;
  /** Roots of the perfect subtrees of the log of `from` blocks, the largest first. */
  readonly peaks: readonly Uint8Array[];
  /** Roots of the perfect subtrees that lead from there to `to`, in the order of their records. */
  readonly appended: readonly Uint8Array[];
}

/**
 * The peaks after a growth: merges what is appended as `DISSC.record` does.
 * @throws ProofError when `to` is not larger or beyond every log, or there are more or fewer subtrees than the two sizes ask for
 */
export function growPeaks(hasher: Hasher, before: Peaks, to: number, appended: readonly Uint8Array[]): Peaks {
  if (!isLogSize(before.size) || !isLogSize(to)) throw new ProofError('A log has at most 2^48 blocks.');
  if (!(to > before.size)) throw new ProofError(`A log of ${before.size} blocks does not grow to ${to}.`);
  requireHashes(before.peaks, peakSubtrees(before.size).length, `peaks of a log of ${before.size} blocks`);
  const subtrees = appendedSubtrees(before.size, to);
  requireHashes(appended, subtrees.length, `subtrees from ${before.size} to ${to} blocks`);
  const peaks = [...before.peaks];
  for (const [i, subtree] of subtrees.entries()) pushSubtree(hasher, peaks, subtree, appended[i] as Uint8Array);
  return { size: to, peaks };
}

/**
 * Checks that `after` extends `before`, as `DISSC.record` does but without a bound on its length, and returns the peaks of
 * `after`. That the root has `size` leaves is the signer's word.
 * @throws ProofError when the growth is between other sizes, is too long or too short, or leads from or to another root
 * @example
 * const growth = await buildGrowth({ subtrees }, kept.size, newest.size);
 * const peaks = requireGrowth(primitives, kept, newest, growth); // kept and newest: {size, root}
 */
export function requireGrowth(hasher: Hasher, before: LogState, after: LogState, growth: Growth): Peaks {
  const { from, to, peaks, appended } = growth;
  if (from !== before.size || to !== after.size) {
    throw new ProofError(`The growth leads from ${from} to ${to} blocks, not from ${before.size} to ${after.size}.`);
  }
  const grown = growPeaks(hasher, { size: from, peaks }, to, appended);
  if (!equalBytes(rootOfPeaks(hasher, { peaks }), before.root)) {
    throw new ProofError(`The growth starts from a different log of ${from} blocks.`);
  }
  if (!equalBytes(rootOfPeaks(hasher, grown), after.root)) {
    throw new ProofError(`The growth leads to a different log of ${to} blocks.`);
  }
  return grown;
}

/**
 * The same within the bound of 2^28 blocks: what DISSC accepts from one head to the next, and a verifier from one round of
 * an anchorer to the next.
 * @throws ProofError as above, or when too much comes at once
 */
export function requireBoundedGrowth(hasher: Hasher, before: LogState, after: LogState, growth: Growth): Peaks {
  if (after.size - before.size > MAX_GROWTH_BLOCKS) {
    throw new ProofError(`The log grows by ${after.size - before.size} blocks at once; at most 2^28 are allowed.`);
  }
  return requireGrowth(hasher, before, after, growth);
}

function requireHashes(hashes: readonly Uint8Array[], count: number, what: string): void {
  if (hashes.length !== count) throw new ProofError(`There must be ${count} ${what}, not ${hashes.length}.`);
  if (hashes.some((hash) => hash.length !== 32)) throw new ProofError(`One of the ${what} does not have 32 bytes.`);
}
