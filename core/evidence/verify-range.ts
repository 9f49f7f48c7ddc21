import { fallingClock } from '../block/falling-clock.ts';
import type { BlockMeta } from '../block/meta.ts';
import { type CharterHistory, chartersBySerial } from '../charter/charters-in-force.ts';
import { ProofError } from '../errors.ts';
import type { BlockIndex } from '../ids.ts';

/** A block with what it says about itself. */
export interface DatedBlock {
  readonly index: BlockIndex;
  readonly meta: BlockMeta;
}

export interface WholeRange {
  /** The blocks captured within the range: all that the log has, by their device's clock. */
  readonly within: readonly DatedBlock[];
  /** Beside them, those that show that nothing else belongs to it. */
  readonly ends: readonly DatedBlock[];
  /** Blocks shown here before which the device's clock was set back: what was captured before may have times of the range, too. */
  readonly setBack: readonly BlockIndex[];
}

/**
 * Checks that these blocks are all that a log has of a time (specification#completeness). What one device writes is a stretch, from
 * its charter's `from` on; of each, the blocks shown follow on each other without gap, from its beginning or a block captured
 * before the range, to its end or a block captured after it.
 * @throws ProofError naming the stretch that is not shown whole
 */
export function requireWholeRange(
  charters: CharterHistory,
  size: number,
  { from, to }: { readonly from: number; readonly to: number },
  blocks: readonly DatedBlock[],
): WholeRange {
  const starts = chartersBySerial(charters).map((charter) => charter.from);
  const cuts = [...new Set([0, ...starts])].filter((at) => at < size).sort((a, b) => a - b);
  for (const [i, first] of cuts.entries()) {
    const last = (cuts[i + 1] ?? size) - 1;
    const shown = blocks.filter(({ index }) => index >= first && index <= last);
    const [lowest, highest] = [shown[0], shown.at(-1)];
    const name = `blocks ${first} to ${last}`;
    if (lowest === undefined || highest === undefined) throw new ProofError(`The evidence shows none of ${name}.`);
    if (highest.index - lowest.index !== shown.length - 1) {
      throw new ProofError(`The evidence leaves gaps among ${name}.`);
    }
    if (lowest.index !== first && lowest.meta.at >= from) {
      throw new ProofError(`Block ${lowest.index - 1} may be within the period, but the evidence does not show it.`);
    }
    if (highest.index !== last && highest.meta.at <= to) {
      throw new ProofError(`Block ${highest.index + 1} may be within the period, but the evidence does not show it.`);
    }
    const metas = shown.map(({ meta }) => meta);
    const falls = fallingClock(null, metas);
    if (falls !== -1) {
      throw new ProofError(`Block ${shown[falls]?.index} has an earlier capture time than the block before it.`);
    }
  }
  const isWithin = ({ meta }: DatedBlock): boolean => meta.at >= from && meta.at <= to;
  return {
    within: blocks.filter(isWithin),
    ends: blocks.filter((block) => !isWithin(block)),
    setBack: blocks.filter(({ index, meta }) => meta.clock === 2 && !cuts.includes(index)).map(({ index }) => index),
  };
}
