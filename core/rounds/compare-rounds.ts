import { ProofError } from '../errors.ts';
import { MAX_GROWTH_BLOCKS } from '../limits.ts';
import type { Growth } from '../log/growth.ts';
import { relateHeads } from '../log/relate-heads.ts';
import type { Primitives } from '../ports/primitives.ts';
import type { MapLeaf } from './map-leaf.ts';

/**
 * What has become of a dataset from one round of an anchorer to the next. `left out`, `went back` and `grew too far` are the
 * anchorer's doing; `contested` is the writer's where one account has signed both heads.
 */
export type RoundStep =
  | 'absent'
  | 'first'
  | 'same'
  | 'extends'
  | 'left out'
  | 'went back'
  | 'grew too far'
  | 'contested';

/**
 * Compares a dataset's heads in two consecutive rounds of its anchorer; null where a round holds none. `growth` is that of
 * the longer head's log from the shorter one's size, and null where both have one size or a head is missing. Whether an
 * earlier device's head is disowned, so that it need not be extended, is the charters' to say (`blocksToExtend`).
 * @throws ProofError when the growth proves nothing
 */
export function compareRounds(
  hasher: Pick<Primitives, 'sha256'>,
  before: MapLeaf | null,
  after: MapLeaf | null,
  growth: Growth | null,
): RoundStep {
  if (before === null || after === null) {
    if (growth !== null) throw new ProofError('A round without a head of the dataset has no growth.');
    if (before === null) return after === null ? 'absent' : 'first';
    return 'left out';
  }
  const isBack = after.size < before.size;
  const relation = isBack ? relateHeads(hasher, after, before, growth) : relateHeads(hasher, before, after, growth);
  if (relation === 'contested' || relation === 'same') return relation;
  if (isBack) return 'went back';
  return after.size - before.size > MAX_GROWTH_BLOCKS ? 'grew too far' : 'extends';
}
