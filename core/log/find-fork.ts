import { equalBytes } from '../bytes.ts';
import { ArgumentError } from '../errors.ts';
import type { SubtreeSource } from './subtree-source.ts';
import { peakSubtrees, type Subtree } from './subtrees.ts';

/**
 * The first block of which two logs say different things, or null when they agree on all of the first `size` records. Asks
 * each source for O(log n) roots, and believes both.
 * @throws ArgumentError when a source contradicts itself
 */
export async function findFork(one: SubtreeSource, other: SubtreeSource, size: number): Promise<number | null> {
  let different = await firstDifferent(one, other, peakSubtrees(size));
  while (different !== null && different.level > 0) {
    const { from, level } = different;
    const halves = [from, from + 2 ** (level - 1)].map((at) => ({ from: at, level: level - 1 }));
    different = await firstDifferent(one, other, halves);
    if (different === null) {
      throw new ArgumentError(
        `A source contradicts itself below block ${from}: it gives equal halves for different subtrees.`,
      );
    }
  }
  return different === null ? null : different.from;
}

async function firstDifferent(
  one: SubtreeSource,
  other: SubtreeSource,
  subtrees: readonly Subtree[],
): Promise<Subtree | null> {
  const [ours, theirs] = await Promise.all([one(subtrees), other(subtrees)]);
  const at = ours.findIndex((hash, i) => !equalBytes(hash, theirs[i] as Uint8Array));
  return subtrees[at] ?? null;
}
