import type { Address, BlockIndex } from '../ids.ts';
import type { Charter } from './charter.ts';
import { byPlace, type CharterHistory, chartersBySerial } from './charters-in-force.ts';
import type { FinalHead } from './disowned.ts';

/** One of two histories of a dataset that contradict each other. */
export interface Branch extends FinalHead {
  /** The newest charter at the head's chain block that names its signer; null when none does. */
  readonly charter: Charter | null;
}

/** Two final heads of which neither extends the other, as verdicts show them. */
export interface ContestedHeads {
  /** The first block of which the branches say different things. Nothing below it changes. */
  readonly fork: BlockIndex;
  /** The earlier final one first. */
  readonly branches: readonly [Branch, Branch];
  /** The account that has signed both: its proven fault. Between two devices it is nobody's. */
  readonly fault: Address | null;
}

/**
 * How two contested heads are shown (specification#contested-heads): both branches with signer, charter and chain block.
 * That they contradict each other is `relateHeads`' to say, from which block on `findFork`'s.
 */
export function showContested(
  history: CharterHistory,
  fork: BlockIndex,
  one: FinalHead,
  other: FinalHead,
): ContestedHeads {
  const branches = [one, other].sort(byPlace).map((head) => ({ ...head, charter: charterOf(history, head) }));
  return {
    fork,
    branches: branches as [Branch, Branch],
    fault: one.signer === other.signer ? one.signer : null,
  };
}

function charterOf(history: CharterHistory, head: FinalHead): Charter | null {
  const known = {
    first: history.first,
    chartered: history.chartered.filter((event) => byPlace(event, head) <= 0),
  };
  return chartersBySerial(known).findLast((charter) => charter.device === head.signer) ?? null;
}
