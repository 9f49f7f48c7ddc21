import type { BlockIndex } from '../ids.ts';
import { paidBlocks, type SaleTerms } from './quota.ts';

/** What decides which content keys are given. */
export interface ContentAllowance {
  readonly terms: SaleTerms & { readonly previews: number };
  /** Of the highest valid voucher, or of the chain if that is more. */
  readonly due: bigint;
  /** The blocks of the consumer's choice delivered without being paid for, in the order they were asked for. */
  readonly sampled: readonly BlockIndex[];
}

/**
 * Whether a consumer gets the content key of a block: it is paid for, or among the first `previews` of its own sample
 * (specification#delivery). A sample alone brings the blockKey, which is all that an audit needs.
 * @throws ArgumentError for terms that no offer has
 */
export function isContentKeyDue({ terms, due, sampled }: ContentAllowance, index: BlockIndex): boolean {
  const place = index - terms.first;
  const isForSale = place >= 0 && place < terms.count;
  return isForSale && (place < paidBlocks(terms, due) || sampled.slice(0, terms.previews).includes(index));
}

/** Samples that an offer has where nothing else is said, in a plain or attached dataset: there a sample is the content. */
export function defaultPlainSamples(terms: Pick<SaleTerms, 'count' | 'price' | 'fee'>): number {
  if (terms.price === 0n) return terms.count;
  return Math.max(1, Number((BigInt(terms.count) * terms.fee) / terms.price));
}
