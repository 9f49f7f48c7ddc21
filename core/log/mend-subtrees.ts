import { StateError } from '../errors.ts';
import type { Primitives } from '../ports/primitives.ts';
import { nodeHash } from './merkle.ts';
import type { SubtreeSource } from './subtree-source.ts';
import type { Subtree } from './subtrees.ts';

/** Roots of perfect subtrees of one log, in the order asked for; null where this source does not have one. */
export type PartialSubtrees = (subtrees: readonly Subtree[]) => Promise<readonly (Uint8Array | null)[]>;

/** What one call asks its sources for at most: a stretch that nobody has must not be searched leaf by leaf. */
export const MAX_SUBTREES_ASKED = 65_536;

/**
 * A whole source of partial ones, asked in this order: what none of them has is made of its halves. So all blocks stay
 * provable behind a head whose own blocks nobody has, as the `Recorded` event gives the subtrees of the missing stretch.
 * @throws StateError, when asked, where a leaf that is needed is lost, or more would have to be asked for than is allowed
 */
export function mendSubtrees(
  hasher: Pick<Primitives, 'sha256'>,
  sources: readonly PartialSubtrees[],
  mostAsked: number = MAX_SUBTREES_ASKED,
): SubtreeSource {
  return (subtrees) => {
    let left = mostAsked;
    const resolve: SubtreeSource = async (wanted) => {
      left -= wanted.length;
      if (left < 0)
        throw new StateError(`The proof needs lost subtrees, and ${mostAsked} other subtrees do not replace them.`);
      const found = await askInTurn(sources, wanted);
      const missing = wanted.filter((_, i) => found[i] === null);
      const lost = missing.find(({ level }) => level === 0);
      if (lost !== undefined)
        throw new StateError(`The record of block ${lost.from} is lost, and so is its leaf hash.`);
      const halves = missing.length === 0 ? [] : await resolve(missing.flatMap(halvesOf));
      let next = 0;
      return found.map((root) => {
        if (root !== null) return root;
        const [left, right] = halves.slice(next, next + 2) as [Uint8Array, Uint8Array];
        next += 2;
        return nodeHash(hasher, left, right);
      });
    };
    return resolve(subtrees);
  };
}

async function askInTurn(
  sources: readonly PartialSubtrees[],
  wanted: readonly Subtree[],
): Promise<(Uint8Array | null)[]> {
  const found: (Uint8Array | null)[] = wanted.map(() => null);
  for (const source of sources) {
    const open = [...found.keys()].filter((i) => found[i] === null);
    if (open.length === 0) break;
    const roots = await source(open.map((i) => wanted[i] as Subtree));
    for (const [at, i] of open.entries()) found[i] = roots[at] ?? null;
  }
  return found;
}

function halvesOf({ from, level }: Subtree): Subtree[] {
  return [from, from + 2 ** (level - 1)].map((at) => ({ from: at, level: level - 1 }));
}
