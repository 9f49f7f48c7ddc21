import { equalBytes } from '../bytes.ts';
import { ChainAnswerError, ProofError } from '../errors.ts';
import type { LogRoot, RoundRoot } from '../ids.ts';
import { appendLeaves, EMPTY_PEAKS, rootOfPeaks } from '../log/peaks.ts';
import type { Primitives } from '../ports/primitives.ts';
import { type LastRound, roundHash } from './history.ts';
import { NO_ROUND, type RoundFront } from './round.ts';

/** What DISSC's event `RoundAnchored` says, body aside. */
export interface AnchoredRound {
  readonly round: RoundRoot;
  readonly previous: RoundRoot;
}

/** A round with the number and the history that it has by the chain, whatever its body claims. */
export interface KnownRound extends LastRound {
  readonly historyRoot: LogRoot;
}

/**
 * Number and history of every round of an anchorer, from its `RoundAnchored` events alone, oldest first: an anchorer that has
 * lost its table goes on from the last. `from` is the newest round known before the first event, null for none.
 * @throws ChainAnswerError when an event does not follow on the one before: one is missing, or the node invents
 */
export function* rebuildRounds(
  hasher: Pick<Primitives, 'sha256'>,
  events: Iterable<AnchoredRound>,
  from: LastRound | null = null,
): Generator<KnownRound> {
  let last = from;
  for (const { round, previous } of events) {
    if (!equalBytes(previous, last?.root ?? NO_ROUND)) {
      throw new ChainAnswerError(
        `The event after round ${last?.number ?? 0} does not continue it. One may be missing.`,
      );
    }
    const history = last === null ? EMPTY_PEAKS : appendLeaves(hasher, last.history, [roundHash(hasher, last.root)]);
    const known = { number: history.size + 1, root: round, history, historyRoot: rootOfPeaks(hasher, history) };
    yield known;
    last = known;
  }
}

/**
 * Checks what a round's body claims against what the chain says: one that differs counts for nothing, and is the anchorer's
 * fault.
 * @throws ProofError when number or history is another
 */
export function requireTrueFront(known: KnownRound, shown: Pick<RoundFront, 'number' | 'history'>): void {
  if (shown.number !== known.number) {
    throw new ProofError(
      `The round calls itself number ${shown.number}, but on the chain it is number ${known.number}.`,
    );
  }
  if (!equalBytes(shown.history, known.historyRoot)) {
    throw new ProofError(`Round ${known.number} claims a history that differs from the chain's.`);
  }
}
