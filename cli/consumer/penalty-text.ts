import type { Purchase } from '../../client/consumer/open-purchase.ts';
import { challengeStakeWei } from '../../core/agreement/most-to-lose.ts';
import { NATIVE_COIN } from '../../core/ids.ts';
import type { QuestionCosts } from '../../core/ports/agreements.ts';
import { breakEvenFraction, chanceOfCatching, MOST_CHUNKS } from '../../core/sampling/chance-of-catching.ts';
import { showAmount } from '../show-amount.ts';

/** What the penalty of an agreement is worth to its consumer: what a challenge costs, what it can win, and how likely. */
export interface PenaltyWorth {
  readonly challengesLeft: number;
  /** What a challenge costs that is answered, at the gas price of now; its own gas comes to it. */
  readonly stakeWei: bigint;
  /** What comes to the consumer when one is not answered, in units of the token: bond, and escrow that is not due. */
  readonly wins: bigint;
  /** That all challenges left, of one block of 1,024 chunks, meet the one that is lost. */
  readonly chanceOfOneLostChunk: number;
  /** From this part of a block's chunks lost on, a challenge wins more than it costs, on average; null for a token. */
  readonly breakEvenFraction: number | null;
}

export function penaltyWorth({ terms, due, challenges }: Purchase, costs: QuestionCosts): PenaltyWorth {
  const challengesLeft = Math.max(0, terms.maxChallenges - challenges);
  const stakeWei = challengeStakeWei(terms.stakeWei, costs);
  const wins = terms.price - due + terms.bond;
  return {
    ...{ challengesLeft, stakeWei, wins },
    chanceOfOneLostChunk: chanceOfCatching({ challenges: challengesLeft, chunks: MOST_CHUNKS, lost: 1 }),
    breakEvenFraction: terms.token === NATIVE_COIN ? breakEvenFraction(stakeWei, wins) : null,
  };
}

/** Lines for people. */
export function penaltyLines(worth: PenaltyWorth, { terms }: Purchase): string[] {
  const { challengesLeft, stakeWei, wins, chanceOfOneLostChunk, breakEvenFraction: fraction } = worth;
  const chunks = MOST_CHUNKS.toLocaleString('en');
  return [
    `  penalty       a challenge costs ${showAmount(stakeWei, NATIVE_COIN)} and gas if it is answered, and wins ${showAmount(wins, terms.token)} if it is not; ${challengesLeft} left`,
    `                It asks for one random chunk of one block. It always catches an owner who lost the whole block. An owner who lost 1 of ${chunks}`,
    `                chunks but kept its hash can show all the others: ${challengesLeft === 1 ? 'the only challenge catches' : `all ${challengesLeft} challenges together catch`} that with ${percent(chanceOfOneLostChunk)}`,
    ...(fraction === null
      ? []
      : [
          `                On average a challenge pays if more than ${percent(fraction)} of the block's chunks are lost, not counting its gas`,
        ]),
  ];
}

function percent(fraction: number): string {
  return `${Number((fraction * 100).toPrecision(2))} %`;
}
