import { ArgumentError, ProofError } from '../errors.ts';
import type { Primitives } from '../ports/primitives.ts';
import { nodeHash, splitPoint } from './merkle.ts';
import { hashRanges, type LogReader, type Range } from './subtree-source.ts';
import { requireLogSize } from './subtrees.ts';

/**
 * One proof for many records of one log: the hashes of the largest subtrees without any proven record, left to right. For a
 * single record these are the nodes of its RFC 9162 path, ordered by position instead of by height.
 * @throws ArgumentError when no record is named, or one outside the log
 * @example
 * const proof = await multiproof({ hasher, subtrees }, [3, 900_000], head.size);
 * const leaves = new Map(records.map(({ index, record }) => [index, recordHash(hasher, record)]));
 * const isProven = equalBytes(rootFromMultiproof(hasher, leaves, head.size, proof), head.root);
 */
export function multiproof(log: LogReader, positions: readonly number[], size: number): Promise<Uint8Array[]> {
  return hashRanges(log, [...openRanges(requirePositions(positions, size), 0, size)]);
}

/**
 * The root that these records (by their leaf hashes) and this proof lead to. Which subtree each node stands for follows from
 * positions and size, never from the prover.
 * @throws ProofError when there are more or fewer nodes than positions and size ask for
 * @throws ArgumentError when no record is given, or one outside the log
 */
export function rootFromMultiproof(
  hasher: Pick<Primitives, 'sha256'>,
  leaves: ReadonlyMap<number, Uint8Array>,
  size: number,
  nodes: readonly Uint8Array[],
): Uint8Array {
  const sorted = requirePositions([...leaves.keys()], size);
  let next = 0;
  const visit = (from: number, to: number, wanted: readonly number[]): Uint8Array => {
    if (wanted.length === 0) {
      const node = nodes[next++];
      if (node?.length !== 32) {
        throw new ProofError(`The proof is too short at node ${next}, or that node does not have 32 bytes.`);
      }
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

/**
 * Proofs of parts of a set of records, as one proof of all of them. What is open beside the whole set is open beside the part
 * that is nearest to it, so its hash is in that part's proof.
 * @throws ProofError when a part's proof has another number of nodes than its records ask for
 */
export function joinMultiproofs(
  parts: readonly { readonly positions: readonly number[]; readonly nodes: readonly Uint8Array[] }[],
  size: number,
): Uint8Array[] {
  const known = new Map<string, Uint8Array>();
  for (const { positions, nodes } of parts) {
    const ranges = [...openRanges(requirePositions(positions, size), 0, size)];
    if (ranges.length !== nodes.length) {
      throw new ProofError(`The proof has ${nodes.length} nodes; it must have ${ranges.length}.`);
    }
    for (const [i, range] of ranges.entries()) known.set(range.join(), nodes[i] as Uint8Array);
  }
  const all = requirePositions(
    parts.flatMap(({ positions }) => positions),
    size,
  );
  return Array.from(openRanges(all, 0, size), (range) => known.get(range.join()) as Uint8Array);
}

/** The largest subtrees of an RFC 9162 tree without any of these leaves, left to right. */
function* openRanges(wanted: readonly number[], from: number, to: number): Generator<Range> {
  if (wanted.length === 0) {
    yield [from, to];
  } else if (to - from > 1) {
    const middle = from + splitPoint(to - from);
    const cut = countBelow(wanted, middle);
    yield* openRanges(wanted.slice(0, cut), from, middle);
    yield* openRanges(wanted.slice(cut), middle, to);
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
  requireLogSize(size);
  const sorted = [...new Set(positions)].sort((a, b) => a - b);
  if (sorted.length === 0) throw new ArgumentError('A proof must name at least one record.');
  const outside = sorted.find((position) => !Number.isSafeInteger(position) || position < 0 || position >= size);
  if (outside !== undefined) throw new ArgumentError(`A log of ${size} records has no record ${outside}.`);
  return sorted;
}
