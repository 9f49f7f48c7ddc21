import { equalBytes } from '../bytes.ts';
import { ArgumentError, ProofError } from '../errors.ts';
import type { Primitives } from '../ports/primitives.ts';
import { type Growth, type LogState, requireGrowth } from './growth.ts';
import { rootOfPeaks } from './peaks.ts';

/** What two states of one dataset's log are to each other. */
export type HeadRelation = 'same' | 'extends' | 'contested';

/**
 * Whether `longer` extends `shorter`, or neither extends the other (specification#contested-heads). `growth` is that of the
 * longer log from the shorter one's size; null where both have one size. It leads to the longer head's root either way:
 * where it starts from another root than the shorter head's, that proves to anybody that the two contradict each other.
 * @throws ProofError when the growth proves nothing: it does not lead to the longer head
 * @throws ArgumentError when `shorter` is the longer one
 */
export function relateHeads(
  hasher: Pick<Primitives, 'sha256'>,
  shorter: LogState,
  longer: LogState,
  growth: Growth | null,
): HeadRelation {
  if (shorter.size > longer.size) throw new ArgumentError('Give the shorter head first.');
  if (shorter.size === longer.size) {
    if (growth !== null)
      throw new ProofError(`Two heads of ${longer.size} blocks need no growth between them. Leave it out.`);
    return equalBytes(shorter.root, longer.root) ? 'same' : 'contested';
  }
  if (growth === null) {
    throw new ProofError(`Comparing these heads needs the growth from ${shorter.size} to ${longer.size} blocks.`);
  }
  const prefix = { size: shorter.size, root: rootOfPeaks(hasher, growth) };
  requireGrowth(hasher, prefix, longer, growth);
  return equalBytes(prefix.root, shorter.root) ? 'extends' : 'contested';
}
