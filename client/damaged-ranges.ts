import type { Verdict } from '../core/verdict.ts';
import type { BlockRange } from './disowned-blocks.ts';

/** Neighbouring blocks that are damaged alike. */
export interface DamagedRange extends BlockRange, Pick<Verdict, 'verdict' | 'blame' | 'signer'> {
  /** Of the first of them; of the others it says the same. */
  readonly reason: string;
}

/**
 * Verdicts that are not intact as ranges, in the order of the log.
 *
 * @example
 * const alike = { verdict: 'unavailable', evidence: 'possession', blame: null, signer: null } as const;
 * const verdicts = [3, 4, 9].map((index) => ({ ...alike, index, reason: `Block ${index} is gone.` }));
 * console.log(damagedRanges(verdicts).map(({ from, to }) => `${from}-${to}`).join()); // 3-4,9-9
 */
export function damagedRanges(notIntact: readonly Verdict[]): DamagedRange[] {
  const ranges: { -readonly [field in keyof DamagedRange]: DamagedRange[field] }[] = [];
  for (const { index, verdict, reason, blame, signer } of notIntact.toSorted((a, b) => a.index - b.index)) {
    const one = { from: index, to: index, verdict, reason: reason ?? '', blame, signer };
    const last = ranges.at(-1);
    if (last !== undefined && last.to === index - 1 && isAlike(last, one)) last.to = index;
    else ranges.push(one);
  }
  return ranges;
}

function isAlike(one: DamagedRange, other: DamagedRange): boolean {
  return (
    one.verdict === other.verdict &&
    one.blame === other.blame &&
    one.signer === other.signer &&
    isSameReason(one.reason, other.reason)
  );
}

/**
 * The same is said of many blocks, each time with the number of the block.
 *
 * @example
 * console.log(isSameReason('Block 3 is gone.', 'Block 4 is gone.')); // true
 */
export function isSameReason(one: string, other: string): boolean {
  return one.replace(/\d+/g, '#') === other.replace(/\d+/g, '#');
}
