import { equalBytes } from '../bytes.ts';
import { ArgumentError, ProofError } from '../errors.ts';
import type { LogRoot, MapRoot, RoundBody, RoundRoot } from '../ids.ts';
import { proveInclusion } from '../log/inclusion.ts';
import { leafHash, rootFromPath } from '../log/merkle.ts';
import { appendLeaves, EMPTY_PEAKS, type Peaks, rootOfPeaks } from '../log/peaks.ts';
import type { LogReader } from '../log/subtree-source.ts';
import type { Primitives } from '../ports/primitives.ts';
import { NO_ROUND, type RoundFront, roundBody } from './round.ts';

type Hasher = Pick<Primitives, 'sha256'>;

/** The newest round of an anchorer, with all that its next one is made of. */
export interface LastRound {
  readonly number: number;
  readonly root: RoundRoot;
  /** Of the tree over rounds 1 … number - 1. */
  readonly history: Peaks;
}

/** What goes to `DISSC.anchor`. */
export interface NextRound extends Pick<RoundFront, 'number' | 'previous' | 'history'> {
  readonly body: RoundBody;
  /** Of the tree over the rounds before this one. */
  readonly historyPeaks: Peaks;
}

/** The leaf of a round in the history of later ones: H(00 ‖ round32). */
export function roundHash(hasher: Hasher, round: RoundRoot): Uint8Array {
  return leafHash(hasher, round);
}

/**
 * The round after `last` (null for an anchorer's first): it holds all rounds before it, so the newest proves them all.
 * @throws ArgumentError when the history of the last round is of another number of rounds
 */
export function buildNextRound(hasher: Hasher, last: LastRound | null, map: MapRoot): NextRound {
  const historyPeaks = last === null ? EMPTY_PEAKS : appendLeaves(hasher, last.history, [roundHash(hasher, last.root)]);
  const number = historyPeaks.size + 1;
  if (last !== null && number !== last.number + 1) {
    throw new ArgumentError(`The history of round ${last.number} has ${last.history.size} rounds.`);
  }
  const history = rootOfPeaks(hasher, historyPeaks);
  return {
    number,
    previous: last?.root ?? NO_ROUND,
    history,
    body: roundBody(hasher, number, history, map),
    historyPeaks,
  };
}

/**
 * Path of an older round in the history of round `number`. `rounds` is over the leaves of rounds 1, 2, …
 * @throws ArgumentError unless 1 <= older < number
 */
export function proveRound(rounds: LogReader, older: number, number: number): Promise<Uint8Array[]> {
  return proveInclusion(rounds, older - 1, number - 1);
}

/**
 * Checks that a round holds an older one.
 * @throws ProofError when the path is too long, too short, or leads to another history
 * @throws ArgumentError unless 1 <= older.number < newer.number
 */
export function requireInHistory(
  hasher: Hasher,
  newer: Pick<RoundFront, 'number' | 'history'>,
  older: { readonly number: number; readonly root: RoundRoot },
  path: readonly Uint8Array[],
): void {
  const leaf = roundHash(hasher, older.root);
  const history = rootFromPath(hasher, leaf, older.number - 1, newer.number - 1, path) as LogRoot;
  if (equalBytes(history, newer.history)) return;
  throw new ProofError(`Round ${newer.number} does not hold this round ${older.number}.`);
}
