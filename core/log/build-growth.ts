import { ArgumentError } from '../errors.ts';
import { MAX_GROWTH_BLOCKS } from '../limits.ts';
import type { Primitives } from '../ports/primitives.ts';
import type { Growth } from './growth.ts';
import { rootOfLeafHashes } from './merkle.ts';
import type { Peaks } from './peaks.ts';
import type { LogReader } from './subtree-source.ts';
import { appendedSubtrees, peakSubtrees } from './subtrees.ts';

/**
 * The growth of a log from one size to a larger one, however far: for the path from a verifier's last head to the newest.
 * @throws ArgumentError when `to` is not larger than `from`
 */
export async function buildGrowth(
  { subtrees }: Pick<LogReader, 'subtrees'>,
  from: number,
  to: number,
): Promise<Growth> {
  if (!(to > from)) throw new ArgumentError(`A log of ${from} blocks does not grow to ${to}.`);
  const before = peakSubtrees(from);
  const roots = await subtrees([...before, ...appendedSubtrees(from, to)]);
  return { from, to, peaks: roots.slice(0, before.length), appended: roots.slice(before.length) };
}

/**
 * The growth by leaves that were appended to a log, from its peaks alone: what a device records from its own state.
 * @throws ArgumentError when there is no leaf
 */
export function growthOfLeaves(
  hasher: Pick<Primitives, 'sha256'>,
  before: Peaks,
  leafHashes: readonly Uint8Array[],
): Growth {
  const from = before.size;
  const to = from + leafHashes.length;
  if (to === from) throw new ArgumentError(`A log of ${from} blocks does not grow without records.`);
  const appended = appendedSubtrees(from, to).map((subtree) => {
    const at = subtree.from - from;
    return rootOfLeafHashes(hasher, leafHashes.slice(at, at + 2 ** subtree.level));
  });
  return { from, to, peaks: before.peaks, appended };
}

/** The sizes of the heads to record one after another where more has come than one head may add (2^28 blocks). */
export function growthSteps(from: number, to: number): number[] {
  const steps: number[] = [];
  for (let size = from; size < to; steps.push(size)) size = Math.min(to, size + MAX_GROWTH_BLOCKS);
  return steps;
}

/**
 * The peaks of a log of `size` records.
 * @throws ArgumentError when the source lacks one
 */
export async function readPeaks({ subtrees }: Pick<LogReader, 'subtrees'>, size: number): Promise<Peaks> {
  return { size, peaks: await subtrees(peakSubtrees(size)) };
}
