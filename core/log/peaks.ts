import { ArgumentError } from '../errors.ts';
import type { LogRoot } from '../ids.ts';
import type { Primitives } from '../ports/primitives.ts';
import { nodeHash } from './merkle.ts';

type Hasher = Pick<Primitives, 'sha256'>;

/**
 * All that an appender must remember of a log: how many records it has, and the roots of its perfect subtrees, one for each
 * bit set in `size`, the largest first.
 */
export interface Peaks {
  /** Blocks. */
  readonly size: number;
  readonly peaks: readonly Uint8Array[];
}

/** Of a log without records. */
export const EMPTY_PEAKS: Peaks = { size: 0, peaks: [] };

/** What stands for the root of a log without records. */
export const EMPTY_ROOT = new Uint8Array(32) as LogRoot;

/**
 * MTH of the log that has these peaks: the right ones are hashed together first ("bagged"). 32 zero bytes for the empty log.
 */
export function rootOfPeaks(hasher: Hasher, { peaks }: Pick<Peaks, 'peaks'>): LogRoot {
  let root = peaks[peaks.length - 1];
  if (root === undefined) return EMPTY_ROOT;
  for (let i = peaks.length - 2; i >= 0; i--) root = nodeHash(hasher, peaks[i] as Uint8Array, root);
  return root as LogRoot;
}

/** The peaks after these leaves. @throws ArgumentError when there are fewer peaks than the size has bits */
export function appendLeaves(hasher: Hasher, before: Peaks, leafHashes: readonly Uint8Array[]): Peaks {
  const peaks = [...before.peaks];
  let size = before.size;
  for (const hash of leafHashes) {
    pushSubtree(hasher, peaks, { from: size, level: 0 }, hash);
    size += 1;
  }
  return { size, peaks };
}

/**
 * Puts the root of the next perfect subtree on a stack of peaks and merges equal ones: each trailing 1 bit of the position,
 * counted in subtrees of this size, is a peak that the new one completes. `onNode` is told each root that arises.
 * @throws ArgumentError when there are fewer peaks than the position has bits
 */
export function pushSubtree(
  hasher: Hasher,
  peaks: Uint8Array[],
  subtree: { readonly from: number; readonly level: number },
  hash: Uint8Array,
  onNode?: (from: number, level: number, hash: Uint8Array) => void,
): void {
  let { from, level } = subtree;
  let node = hash;
  onNode?.(from, level, node);
  for (; Math.floor(from / 2 ** level) % 2 === 1; level++) {
    const left = peaks.pop();
    if (left === undefined) throw new ArgumentError(`The peaks of a log of ${subtree.from} blocks are incomplete.`);
    node = nodeHash(hasher, left, node);
    from -= 2 ** level;
    onNode?.(from, level + 1, node);
  }
  peaks.push(node);
}
