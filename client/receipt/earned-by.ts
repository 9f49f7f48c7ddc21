import { counted } from '../../core/counted.ts';

/**
 * What was paid for by what the owner has earned, behind the amount: the fee alone pays for no block.
 *
 * @example
 * console.log(`0.02 ether${earnedBy(1)}`); // 0.02 ether for the first block
 */
export function earnedBy(paidBlocks: number): string {
  return paidBlocks === 0
    ? ', which pays for no block'
    : ` for the first ${paidBlocks === 1 ? 'block' : counted(paidBlocks, 'block')}`;
}
