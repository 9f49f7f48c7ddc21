import { counted } from '../../core/counted.ts';
import { ProofError } from '../../core/errors.ts';
import { splitPoint } from '../../core/log/merkle.ts';

/**
 * The RFC 9162 path of one record, from the record upwards, out of its multiproof, whose nodes stand in the order of the log.
 * @throws ProofError when there are more or fewer nodes than steps
 */
export function pathFromMultiproof(index: number, size: number, nodes: readonly Uint8Array[]): Uint8Array[] {
  if (!Number.isInteger(index) || index < 0 || index >= size) {
    throw new ProofError(`Block ${index} is not in a log of ${counted(size, 'block')}.`);
  }
  const left = [...nodes];
  const downwards: (Uint8Array | undefined)[] = [];
  for (let [from, to] = [0, size]; to - from > 1; ) {
    const middle = from + splitPoint(to - from);
    // A sibling on the left is the first node that is left over, one on the right the last.
    if (index >= middle) {
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
    `The proof of block ${index} of ${size} has ${nodes.length} nodes; it must have ${downwards.length}.`,
  );
}
