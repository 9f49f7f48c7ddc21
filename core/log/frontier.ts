import { ArgumentError } from '../errors.ts';
import type { LogRoot } from '../ids.ts';
import type { Primitives } from '../ports/primitives.ts';
import { nodeHash } from './merkle.ts';

type Hasher = Pick<Primitives, 'sha256'>;

/** All an appender must remember of an RFC 9162 tree: the roots of its complete subtrees, largest first. */
export interface Frontier {
  readonly leaves: number;
  readonly peaks: readonly Uint8Array[];
}

export const EMPTY_FRONTIER: Frontier = { leaves: 0, peaks: [] };

/** The frontier after one more leaf: each trailing 1 bit of the leaf count merges one pair of equal subtrees. */
export function appendLeaf(hasher: Hasher, frontier: Frontier, hash: Uint8Array): Frontier {
  const peaks = [...frontier.peaks];
  let node = hash;
  for (let count = frontier.leaves; count % 2 === 1; count = Math.floor(count / 2)) {
    const left = peaks.pop();
    if (left === undefined) throw new ArgumentError('The frontier has fewer peaks than its leaf count asks for.');
    node = nodeHash(hasher, left, node);
  }
  return { leaves: frontier.leaves + 1, peaks: [...peaks, node] };
}

/** MTH of the tree; 32 zero bytes for the empty log, as DISSC answers. */
export function frontierRoot(hasher: Hasher, frontier: Frontier): LogRoot {
  const peaks = [...frontier.peaks];
  let root = peaks.pop();
  if (root === undefined) return new Uint8Array(32) as LogRoot;
  for (let peak = peaks.pop(); peak !== undefined; peak = peaks.pop()) root = nodeHash(hasher, peak, root);
  return root as LogRoot;
}
