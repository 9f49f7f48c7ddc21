import type { Agreement, AgreementMarket, OpenQuestion, QuestionCosts } from '../../core/ports/agreements.ts';

/** The base fee rises by an eighth a block: a demand, whose stake is the bare gas of its answer, is allowed two of them. */
const DEMAND_TOLERANCE = { of: 4n, by: 5n };

/**
 * Until when an answer waits for a cheaper block (specification#what-an-owners-agent-does): where the base fee has risen so far that
 * the stake does not pay for its gas, until half the window is over, and no longer; null where it is sent at once. What has
 * lapsed never waits, and where there is no base fee, nothing does: no block is cheaper than another there.
 */
export async function awaitCheaperUntil(
  market: Pick<AgreementMarket, 'readQuestionCosts'>,
  { terms }: Pick<Agreement, 'terms'>,
  question: OpenQuestion,
  nowSeconds: number,
  signal: AbortSignal,
): Promise<number | null> {
  const { deadlineSeconds, graceEndSeconds } = question;
  const halfSeconds = deadlineSeconds - Math.ceil(terms.windowSeconds / 2);
  if (graceEndSeconds !== null || nowSeconds >= halfSeconds) return null;
  return isDear(question, await market.readQuestionCosts(signal)) ? halfSeconds : null;
}

function isDear({ asks, stakeWei }: OpenQuestion, { answerGas, demandGas, baseFeeWei }: QuestionCosts): boolean {
  if (baseFeeWei === null) return false;
  if (asks === 'chunk') return answerGas * baseFeeWei > stakeWei;
  return DEMAND_TOLERANCE.of * demandGas * baseFeeWei > DEMAND_TOLERANCE.by * stakeWei;
}
