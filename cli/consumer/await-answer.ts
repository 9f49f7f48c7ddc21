import { nodeRuntime } from '../../adapters/runtime/node-runtime.ts';
import { awaitAgreement } from '../../client/consumer/await-agreement.ts';
import type { Agreement, AgreementMarket } from '../../core/ports/agreements.ts';
import { durationText } from '../duration-text.ts';

/** How far this machine's clock is trusted to be from the chain's, where the chain has no newer block. */
const CLOCK_MARGIN_MS = 2_000;

/** Waits until a question is answered or can lapse: by the chain's clock, or by this one where nobody sends transactions. */
export function awaitAnswer(
  market: AgreementMarket,
  id: Agreement['id'],
  windowSeconds: number,
  signal: AbortSignal,
): Promise<Agreement> {
  const wanted = { id, anchor: 'latest' as const, what: 'the answer', limitMs: 1000 * (windowSeconds + 600) };
  const isOver = ({ question }: Agreement, chainMs: number): boolean =>
    question === null || Math.max(chainMs, Date.now() - CLOCK_MARGIN_MS) > 1000 * question.deadlineSeconds;
  return awaitAgreement({ market, runtime: nodeRuntime }, wanted, isOver, signal);
}

/** What to do when the owner has not answered: the two steps to a breach. */
export function unansweredText(id: Agreement['id'], windowSeconds: number): string {
  return [
    `Next: plumb consumer lapse ${id}`,
    `${durationText(250 * windowSeconds)} after that, if the owner still has not answered: plumb consumer breach ${id}`,
    'You then get the escrow, the bond and your stake, less what you already owe the owner.',
  ].join('\n');
}
