import { LedgerUnavailableError } from '../../core/errors.ts';
import { AnswerTooLongError } from './post-request.ts';

/** A node that did not answer is asked again after this, in its turn. */
const AWAY_MS = 60_000;

/** Asks nodes, by their number. @throws what the most preferred one threw, when none of them answers */
export type AskNodes = <T>(ask: (node: number) => Promise<T>, signal?: AbortSignal) => Promise<T>;

/** Hears which node has answered after others had not, with the failure of the first of those. */
export type OtherNodeListener = (answered: number, failure: LedgerUnavailableError) => void;

/**
 * Several nodes of one chain, in order of preference: each question goes to the first that is not known to be away, and to
 * the next where that one does not answer, is on another chain, or has had too many requests. What a node refuses (a revert,
 * a bad nonce) is an answer.
 */
export function preferNodes(count: number, nowMs: () => number, onOther?: OtherNodeListener): AskNodes {
  const nodes = Array.from({ length: count }, (_, node) => node);
  const awayUntilMs = nodes.map(() => Number.NEGATIVE_INFINITY);
  return async (ask, signal) => {
    const isAway = (node: number): boolean => (awayUntilMs[node] as number) > nowMs();
    // Where all are away, all are asked: one of them may be back.
    const order = [...nodes.filter((node) => !isAway(node)), ...nodes.filter(isAway)];
    const failures: LedgerUnavailableError[] = [];
    for (const node of order) {
      try {
        const answered = await ask(node);
        awayUntilMs[node] = Number.NEGATIVE_INFINITY;
        if (failures[0] !== undefined) onOther?.(node, failures[0]);
        return answered;
      } catch (error) {
        // A smaller question may have an answer, of the same node.
        if (!(error instanceof LedgerUnavailableError) || error instanceof AnswerTooLongError) throw error;
        signal?.throwIfAborted();
        awayUntilMs[node] = nowMs() + AWAY_MS;
        failures.push(error);
      }
    }
    throw failures[0];
  };
}
