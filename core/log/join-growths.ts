import { ArgumentError } from '../errors.ts';
import type { Primitives } from '../ports/primitives.ts';
import type { Growth } from './growth.ts';
import { nodeHash } from './merkle.ts';
import { appendedSubtrees } from './subtrees.ts';

/**
 * One growth in place of several that follow on each other: what is appended from the first size to the last. Each that is
 * given must have been checked, or the one that comes of it must be.
 * @throws ArgumentError when there is none, or one does not begin where the one before ends
 * @example
 * const growth = joinGrowths(primitives, [fromRecordedToRound, fromRoundToNewest]);
 */
export function joinGrowths(hasher: Pick<Primitives, 'sha256'>, growths: readonly Growth[]): Growth {
  const [first] = growths;
  if (first === undefined) throw new ArgumentError('There is no growth to join.');
  const joined: { from: number; level: number; hash: Uint8Array }[] = [];
  let to = first.from;
  for (const growth of growths) {
    if (growth.from !== to) throw new ArgumentError(`A growth from ${growth.from} does not continue one to ${to}.`);
    for (const [i, subtree] of appendedSubtrees(growth.from, growth.to).entries()) {
      const hash = growth.appended[i];
      if (hash === undefined) throw new ArgumentError(`The growth from ${growth.from} lacks a subtree.`);
      joined.push({ ...subtree, hash });
      mergeLast(hasher, joined);
    }
    to = growth.to;
  }
  return { from: first.from, to, peaks: first.peaks, appended: joined.map(({ hash }) => hash) };
}

/** Two neighbours of one size that make a perfect subtree become it, as far up as that goes. */
function mergeLast(
  hasher: Pick<Primitives, 'sha256'>,
  joined: { from: number; level: number; hash: Uint8Array }[],
): void {
  for (;;) {
    const [left, right] = joined.slice(-2);
    if (left === undefined || right === undefined || left.level !== right.level) return;
    if (left.from % 2 ** (left.level + 1) !== 0) return;
    joined.splice(-2, 2, { from: left.from, level: left.level + 1, hash: nodeHash(hasher, left.hash, right.hash) });
  }
}
