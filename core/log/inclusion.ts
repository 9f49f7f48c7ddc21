import { requireLeaf, splitPoint } from './merkle.ts';
import { hashRanges, type LogReader, type Range } from './subtree-source.ts';

/**
 * Path of record `index` in the log of `size` records, from the leaf upwards (RFC 9162 §2.1.3.1): as many hashes as
 * `rootFromPath` asks for.
 * @throws ArgumentError when there is no such record
 */
export async function proveInclusion(log: LogReader, index: number, size: number): Promise<Uint8Array[]> {
  requireLeaf(index, size);
  const ranges: Range[] = [];
  for (let from = 0, to = size; to - from > 1; ) {
    const middle = from + splitPoint(to - from);
    ranges.push(index < middle ? [middle, to] : [from, middle]);
    if (index < middle) to = middle;
    else from = middle;
  }
  return hashRanges(log, ranges.reverse());
}
