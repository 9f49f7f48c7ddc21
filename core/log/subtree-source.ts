import { ArgumentError } from '../errors.ts';
import type { Primitives } from '../ports/primitives.ts';
import { nodeHash } from './merkle.ts';
import { rootOfPeaks } from './peaks.ts';
import { rangeSubtrees, type Subtree } from './subtrees.ts';

type Hasher = Pick<Primitives, 'sha256'>;

/**
 * Roots of perfect subtrees of one log, in the order asked for. Every proof asks once for all it needs, so that a store can
 * read in one go.
 */
export type SubtreeSource = (subtrees: readonly Subtree[]) => Promise<readonly Uint8Array[]>;

/** What proofs are made with. */
export interface LogReader {
  readonly hasher: Hasher;
  readonly subtrees: SubtreeSource;
}

/** Records from … to - 1, as RFC 9162 splits a log. */
export type Range = readonly [from: number, to: number];

/** MTH over each of these ranges, asked for at once. */
export async function hashRanges({ hasher, subtrees }: LogReader, ranges: readonly Range[]): Promise<Uint8Array[]> {
  const parts = ranges.map(([from, to]) => rangeSubtrees(from, to));
  const roots = await subtrees(parts.flat());
  let next = 0;
  return parts.map((part) => {
    const peaks = roots.slice(next, next + part.length);
    next += part.length;
    return rootOfPeaks(hasher, { peaks });
  });
}

/**
 * A source over leaf hashes in memory, which must not change. Each root is hashed once.
 * @throws ArgumentError when a subtree reaches beyond the leaves
 */
export function subtreesOfLeaves(hasher: Hasher, leafHashes: readonly Uint8Array[]): SubtreeSource {
  const levels: (Uint8Array | undefined)[][] = [];
  const rootOf = (level: number, number: number): Uint8Array => {
    if (level === 0) {
      const leaf = leafHashes[number];
      if (leaf === undefined) throw new ArgumentError(`There is no leaf ${number} among ${leafHashes.length}.`);
      return leaf;
    }
    levels[level] ??= [];
    const known = levels[level] as (Uint8Array | undefined)[];
    known[number] ??= nodeHash(hasher, rootOf(level - 1, 2 * number), rootOf(level - 1, 2 * number + 1));
    return known[number] as Uint8Array;
  };
  return async (subtrees) => subtrees.map(({ from, level }) => rootOf(level, from / 2 ** level));
}
