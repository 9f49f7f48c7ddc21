import { ArgumentError } from '../errors.ts';
import type { Primitives } from '../ports/primitives.ts';

type Randomness = Pick<Primitives, 'randomBytes'>;

/**
 * A uniformly random integer in 0 … limit - 1, by rejection: a remainder alone would favour small numbers.
 * @throws ArgumentError unless the limit is an integer from 1 to 2^53 - 1
 */
export function uniformBelow(random: Randomness, limit: number): number {
  if (!Number.isSafeInteger(limit) || limit < 1) {
    throw new ArgumentError(`Cannot choose below ${limit}; the limit is an integer from 1 to 2^53 - 1.`);
  }
  const span = 2 ** 53;
  const accepted = span - (span % limit);
  for (;;) {
    const bytes = random.randomBytes(8);
    const view = new DataView(bytes.buffer, bytes.byteOffset, 8);
    const number = (view.getUint32(0) >>> 11) * 2 ** 32 + view.getUint32(4);
    if (number < accepted) return number % limit;
  }
}

/**
 * `count` distinct numbers of 0 … total - 1, every such set equally likely, ascending. Floyd's algorithm: memory for the
 * sample only, whatever the total.
 * @throws ArgumentError when there are not so many
 */
export function chooseDistinct(random: Randomness, total: number, count: number): number[] {
  if (!Number.isSafeInteger(count) || count < 0 || count > total) {
    throw new ArgumentError(`Cannot choose ${count} of ${total} blocks.`);
  }
  const chosen = new Set<number>();
  for (let bound = total - count; bound < total; bound++) {
    const number = uniformBelow(random, bound + 1);
    chosen.add(chosen.has(number) ? bound : number);
  }
  return [...chosen].sort((a, b) => a - b);
}
