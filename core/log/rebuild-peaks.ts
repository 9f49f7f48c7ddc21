import { equalBytes } from '../bytes.ts';
import { ChainAnswerError, PlumblineError } from '../errors.ts';
import type { LogRoot } from '../ids.ts';
import type { Primitives } from '../ports/primitives.ts';
import { growPeaks } from './growth.ts';
import type { PartialSubtrees } from './mend-subtrees.ts';
import { EMPTY_PEAKS, type Peaks, pushSubtree, rootOfPeaks } from './peaks.ts';
import { appendedSubtrees, subtreeName } from './subtrees.ts';

/** What DISSC's event `Recorded` says of one accepted update. */
export interface RecordedGrowth {
  readonly size: number;
  readonly root: LogRoot;
  readonly appended: readonly Uint8Array[];
}

/**
 * The peaks of every recorded size, from a dataset's `Recorded` events alone, oldest first (specification#dissc): whoever
 * has them goes on with the log, even behind a head whose blocks nobody has. `from` is the state before the first event.
 * @throws ChainAnswerError when an event does not follow on the one before: one is missing, or the node invents
 */
export function* rebuildPeaks(
  hasher: Pick<Primitives, 'sha256'>,
  events: Iterable<RecordedGrowth>,
  from: Peaks = EMPTY_PEAKS,
): Generator<Peaks> {
  let peaks = from;
  for (const { size, root, appended } of events) {
    peaks = orChainAnswer(size, () => growPeaks(hasher, peaks, size, appended));
    if (!equalBytes(rootOfPeaks(hasher, peaks), root)) {
      throw new ChainAnswerError(
        `The event of ${size} blocks does not lead to its own root. An earlier event may be missing.`,
      );
    }
    yield peaks;
  }
}

/**
 * Every subtree that a dataset's `Recorded` events give, oldest first, and the peaks after them: enough for the growth between
 * any two recorded sizes and for their consistency, and for all proofs across a stretch that nobody has (`mendSubtrees`).
 * @throws ChainAnswerError when the events do not follow on each other
 */
export function subtreesOfEvents(
  hasher: Pick<Primitives, 'sha256'>,
  events: Iterable<RecordedGrowth>,
): { readonly peaks: Peaks; readonly subtrees: PartialSubtrees } {
  const known = new Map<string, Uint8Array>();
  const keep = (from: number, level: number, hash: Uint8Array): void => {
    known.set(subtreeName({ from, level }), hash);
  };
  let last = EMPTY_PEAKS;
  for (const event of events) {
    const stack = [...last.peaks];
    const before = last;
    for (const peaks of rebuildPeaks(hasher, [event], before)) last = peaks;
    for (const [i, subtree] of appendedSubtrees(before.size, event.size).entries()) {
      pushSubtree(hasher, stack, subtree, event.appended[i] as Uint8Array, keep);
    }
  }
  return {
    peaks: last,
    subtrees: async (wanted) => wanted.map((subtree) => known.get(subtreeName(subtree)) ?? null),
  };
}

function orChainAnswer<T>(size: number, make: () => T): T {
  try {
    return make();
  } catch (cause) {
    if (!(cause instanceof PlumblineError)) throw cause;
    throw new ChainAnswerError(
      `The event of ${size} blocks does not continue the previous one: ${cause.shortMessage}`,
      {
        cause,
      },
    );
  }
}
