/** About a day of 12 s: further back no honest node is. */
export const DAY_BLOCKS = 7_200;

/**
 * What it means that a node's final block is not where one was before. `behind`: this node is late, or of another chain; what was
 * read before may say more. `far-behind`: no honest node is so late, so what was read before was too high and counts for
 * nothing: one wrong number must not hold for ever.
 *
 * @example
 * console.log(compareFinal(null, 7), compareFinal(9, 9), compareFinal(9, 7), compareFinal(90_000, 7)); // ahead ahead behind far-behind
 */
export function compareFinal(before: number | null, now: number): 'ahead' | 'behind' | 'far-behind' {
  const wentBackBlocks = (before ?? now) - now;
  if (wentBackBlocks <= 0) return 'ahead';
  return wentBackBlocks <= DAY_BLOCKS ? 'behind' : 'far-behind';
}
