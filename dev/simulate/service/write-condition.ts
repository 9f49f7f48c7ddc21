import type { WriteCondition } from '../../../core/ports/table.ts';

/**
 * Whether a table in memory may write, as DynamoDB decides it.
 * @param version of the item that is there; 0 where nothing is
 */
export function mayWrite(condition: WriteCondition, version: number): boolean {
  if (condition === 'any') return true;
  return condition === 'absent' ? version === 0 : version === condition.version;
}

/** How many of these keys, in order, come before one. */
export function countKeysBefore(sorted: readonly string[], key: string): number {
  let [low, high] = [0, sorted.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((sorted[middle] as string) < key) low = middle + 1;
    else high = middle;
  }
  return low;
}
