import { ArgumentError } from '../errors.ts';
import type { BlockIndex } from '../ids.ts';
import type { Terms } from './terms.ts';

/** What decides how much is delivered. */
export type SaleTerms = Pick<Terms, 'first' | 'count' | 'price' | 'fee' | 'samples'>;

/** What an agreement's consumer may have now. */
export interface Allowance {
  readonly terms: SaleTerms;
  /** Of the highest valid voucher, or of the chain if that is more. */
  readonly due: bigint;
  /** The blocks, of the consumer's choice, delivered so far without being paid for. */
  readonly sampled: ReadonlySet<BlockIndex>;
  /** The storage's ceiling of distinct blocks (ASC's `maxBlocks`); none when absent. */
  readonly maxBlocks?: number;
}

export interface Admission {
  readonly admitted: readonly BlockIndex[];
  /** Those of the admitted that use up a sample. */
  readonly newSamples: readonly BlockIndex[];
  /** Not for sale, or neither paid for nor within the samples. */
  readonly refused: readonly BlockIndex[];
}

/** OCASC takes no more (specification#delivery). */
export const MAX_SAMPLES = 4096;

/**
 * How many blocks from the first one on are paid for: floor(count · (due - fee) / (price - fee)), and all of them when there
 * is nothing to pay beyond the fee (specification#delivery).
 * @throws ArgumentError when more is due than the price
 */
export function paidBlocks({ count, price, fee }: SaleTerms, due: bigint): number {
  if (due > price) throw new ArgumentError(`The voucher is for ${due}, above the price of ${price}.`);
  if (due === price) return count;
  if (due <= fee) return 0;
  return Number((BigInt(count) * (due - fee)) / (price - fee));
}

/**
 * The least that must be due for the first `blocks` blocks to be paid for.
 * @throws ArgumentError unless there are so many for sale
 */
export function dueFor({ count, price, fee }: SaleTerms, blocks: number): bigint {
  if (!Number.isInteger(blocks) || blocks < 0 || blocks > count) {
    throw new ArgumentError(`You cannot pay for ${blocks} blocks; only ${count} are for sale.`);
  }
  const divisor = BigInt(count);
  return fee + (BigInt(blocks) * (price - fee) + divisor - 1n) / divisor;
}

/**
 * Which of the blocks asked for may be delivered: the paid prefix, what was sampled before, and new samples in the order
 * asked for, until they are used up. A block that is paid for later stays a sample. Under a ceiling, samples count before
 * the prefix, and a block that is both counts twice: so never more distinct blocks are delivered, whatever is asked when.
 * @throws ArgumentError for a block that is not for sale
 */
export function admitBlocks(allowance: Allowance, asked: readonly BlockIndex[]): Admission {
  const { terms, due, sampled, maxBlocks = Number.POSITIVE_INFINITY } = allowance;
  const paid = Math.max(0, Math.min(paidBlocks(terms, due), maxBlocks - sampled.size));
  const most = Math.min(terms.samples, MAX_SAMPLES, maxBlocks - paid);
  const newSamples = new Set<BlockIndex>();
  const admitted: BlockIndex[] = [];
  const refused: BlockIndex[] = [];
  for (const index of asked) {
    const place = index - terms.first;
    const isForSale = place >= 0 && place < terms.count;
    const isFree = place < paid || sampled.has(index) || newSamples.has(index);
    if (isForSale && !isFree && sampled.size + newSamples.size < most) newSamples.add(index);
    (isForSale && (isFree || newSamples.has(index)) ? admitted : refused).push(index);
  }
  return { admitted, newSamples: [...newSamples], refused };
}
