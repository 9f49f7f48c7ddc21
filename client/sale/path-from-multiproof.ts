import { ProofError } from '../../core/errors.ts';
import { splitPoint } from '../../core/log/merkle.ts';

/**
 * The RFC 9162 path of one leaf, from the leaf upwards, out of its multiproof, whose nodes stand in the order of the leaves.
 * @throws ProofError when there are more or fewer nodes than steps
 */
export function pathFromMultiproof(leaf: number, size: number, nodes: readonly Uint8Array[]): Uint8Array[] {
  if (!Number.isInteger(leaf) || leaf < 0 || leaf >= size) {
    throw new ProofError(`A record is said to be in batch ${leaf} of a log of ${size}.`);
  }
  const left = [...nodes];
  const downwards: (Uint8Array | undefined)[] = [];
  for (let [from, to] = [0, size]; to - from > 1; ) {
    const middle = from + splitPoint(to - from);
    // A sibling on the left is the first node that is left over, one on the right the last.
    if (leaf >= middle) {
      downwards.push(left.shift());
      from = middle;
    } else {
      downwards.push(left.pop());
      to = middle;
    }
  }
  const path = downwards.reverse().filter((node) => node !== undefined);
  if (left.length === 0 && path.length === downwards.length) return path;
  throw new ProofError(
    `The proof of batch ${leaf} of ${size} has ${nodes.length} nodes; it must have ${downwards.length}.`,
  );
}
