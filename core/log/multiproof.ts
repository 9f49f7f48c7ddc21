import { ArgumentError, ProofError } from '../errors.ts';
import type { Primitives } from '../ports/primitives.ts';
import { nodeHash, splitPoint } from './merkle.ts';

type Hasher = Pick<Primitives, 'sha256'>;

/**
 * One proof for many leaves of one tree: the hashes of the largest subtrees without any proven leaf, left to right.
 * For a single leaf these are the nodes of its RFC 9162 path, ordered by position instead of by height.
 * `subtreeHash(from, to)` is MTH over leaves from … to - 1.
 */
export async function multiproof(
  positions: readonly number[],
  size: number,
  subtreeHash: (from: number, to: number) => Promise<Uint8Array> | Uint8Array,
): Promise<Uint8Array[]> {
  const sorted = requirePositions(positions, size);
  const nodes: Uint8Array[] = [];
  for (const [from, to] of openSubtrees(sorted, 0, size)) nodes.push(await subtreeHash(from, to));
  return nodes;
}

/**
 * The root that these leaves and this proof lead to. Which subtree each node stands for follows from positions and size.
 * @throws ProofError when there are more or fewer nodes than positions and size ask for
 */
export function rootFromMultiproof(
  hasher: Hasher,
  leaves: ReadonlyMap<number, Uint8Array>,
  size: number,
  nodes: readonly Uint8Array[],
): Uint8Array {
  const sorted = requirePositions([...leaves.keys()], size);
  let next = 0;
  const visit = (from: number, to: number, wanted: readonly number[]): Uint8Array => {
    if (wanted.length === 0) {
      const node = nodes[next++];
      if (node?.length !== 32) throw new ProofError(`The proof ends at node ${next}, or that node has not 32 bytes.`);
      return node;
    }
    if (to - from === 1) return leaves.get(from) as Uint8Array;
    const middle = from + splitPoint(to - from);
    const cut = countBelow(wanted, middle);
    const left = visit(from, middle, wanted.slice(0, cut));
    return nodeHash(hasher, left, visit(middle, to, wanted.slice(cut)));
  };
  const root = visit(0, size, sorted);
  if (next !== nodes.length) throw new ProofError(`The proof has ${nodes.length} nodes; it must have ${next}.`);
  return root;
}

function* openSubtrees(wanted: readonly number[], from: number, to: number): Generator<[number, number]> {
  if (wanted.length === 0) {
    yield [from, to];
  } else if (to - from > 1) {
    const middle = from + splitPoint(to - from);
    const cut = countBelow(wanted, middle);
    yield* openSubtrees(wanted.slice(0, cut), from, middle);
    yield* openSubtrees(wanted.slice(cut), middle, to);
  }
}

function countBelow(sorted: readonly number[], limit: number): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((sorted[middle] as number) < limit) low = middle + 1;
    else high = middle;
  }
  return low;
}

function requirePositions(positions: readonly number[], size: number): number[] {
  const sorted = [...new Set(positions)].sort((a, b) => a - b);
  const last = sorted[sorted.length - 1];
  if (last === undefined || !Number.isSafeInteger(size)) throw new ArgumentError('A proof names at least one leaf.');
  if (!sorted.every((position) => Number.isSafeInteger(position) && position >= 0 && position < size)) {
    throw new ArgumentError(`A proof over ${size} leaves names a leaf outside, up to ${last}.`);
  }
  return sorted;
}
