import { chartersBySerial } from '../../core/charter/charters-in-force.ts';
import type { BlockIndex } from '../../core/ids.ts';
import type { BlockRange } from '../disowned-blocks.ts';
import type { AnchoredHead } from '../read-anchor.ts';

/** When a block was captured, by its verified meta (ms); null when nobody can show it. */
export type CapturedAt = (index: BlockIndex) => Promise<number | null>;

/** One end of a stretch of blocks: the neighbour that shows by its verified meta that nothing beyond belongs to it. */
export interface RangeEnd {
  /** Null at the end of the log, or of what one device has written. */
  readonly block: BlockIndex | null;
  readonly at: number | null;
  /** False where the neighbour cannot be shown: what lies beyond is not known. */
  readonly proven: boolean;
}

/** Blocks that may have been captured in a time; none when `to` is below `from`: the ends then show that there is none. */
export interface TimedBlocks extends BlockRange {
  readonly before: RangeEnd;
  readonly after: RangeEnd;
}

/**
 * The blocks of a log captured from … to (ms), both inclusive. `at` never falls within a stretch, so the metas at both ends of
 * what is found prove that it is all of it (specification#completeness); each device's blocks are a stretch of their own.
 * Blocks whose meta cannot be shown are within, never without. `guesses` say where to look first: a few.
 */
export async function findTimes(
  log: Pick<AnchoredHead, 'head' | 'charters'>,
  { from, to }: { readonly from: number; readonly to: number },
  capturedAt: CapturedAt,
  guesses: readonly BlockIndex[],
): Promise<TimedBlocks[]> {
  const starts = chartersBySerial(log.charters).map((charter) => charter.from);
  const cuts = [...new Set([0, ...starts])].filter((at) => at < log.head.size).sort((a, b) => a - b);
  const found: TimedBlocks[] = [];
  for (const [i, first] of cuts.entries()) {
    const last = (cuts[i + 1] ?? log.head.size) - 1;
    const stretch = { from: first, to: last };
    const lower = await findEdge(stretch, capturedAt, (at) => at >= from, guesses, from === 0 ? 'begin' : null);
    const upper = await findEdge(stretch, capturedAt, (at) => at > to, guesses, to === FOREVER ? 'end' : null);
    const begin = lower.below + 1;
    const end = Math.max(upper.above - 1, begin - 1);
    found.push({
      from: begin,
      to: end,
      before: endOf(stretch, lower.below, lower.atBelow, lower.above === lower.below + 1 || begin === first),
      after: endOf(stretch, upper.above, upper.atAbove, upper.above === upper.below + 1 || end === last),
    });
  }
  return found;
}

/** No end. */
export const FOREVER = Number.MAX_SAFE_INTEGER;

/** Where something begins to hold: `below` it does not, `above` it does, and what lies between nobody can show. */
interface Edge {
  readonly below: BlockIndex;
  readonly above: BlockIndex;
  readonly atBelow: number | null;
  readonly atAbove: number | null;
}

async function findEdge(
  { from, to }: BlockRange,
  capturedAt: CapturedAt,
  holds: (at: number) => boolean,
  guesses: readonly BlockIndex[],
  known: 'begin' | 'end' | null,
): Promise<Edge> {
  let edge: Edge = { below: from - 1, above: to + 1, atBelow: null, atAbove: null };
  if (known === 'begin') return { ...edge, above: from };
  if (known === 'end') return { ...edge, below: to };
  const look = async (index: BlockIndex): Promise<boolean> => {
    const at = await capturedAt(index);
    if (at === null) return false;
    edge = holds(at) ? { ...edge, above: index, atAbove: at } : { ...edge, below: index, atBelow: at };
    return true;
  };
  // Where the storage says that it is, and beside it: mostly that is all.
  for (const index of [...guesses, ...guesses.map((guess) => guess - 1), ...guesses.map((guess) => guess + 1)]) {
    if (index > edge.below && index < edge.above) await look(index);
  }
  while (edge.above - edge.below > 1) {
    const middle = edge.below + Math.floor((edge.above - edge.below) / 2);
    if (await look(middle)) continue;
    // A stretch that nobody can show: on to its ends, from either side. What is found there may narrow the search again.
    const { below, above } = edge;
    for (let unseen = middle; unseen - edge.below > 1 && edge.above === above; ) {
      const left = edge.below + Math.floor((unseen - edge.below) / 2);
      if (!(await look(left))) unseen = left;
    }
    for (let unseen = middle; edge.above - unseen > 1 && edge.above > middle && edge.below < middle; ) {
      const right = unseen + Math.floor((edge.above - unseen) / 2);
      if (!(await look(right))) unseen = right;
    }
    if (edge.below === below && edge.above === above) break;
  }
  return edge;
}

function endOf({ from, to }: BlockRange, index: BlockIndex, at: number | null, proven: boolean): RangeEnd {
  return { block: index < from || index > to ? null : index, at, proven };
}
