import { InvalidArgumentError } from 'commander';
import { StateError } from '../../core/errors.ts';
import type { BlockIndex } from '../../core/ids.ts';
import type { OpenQuestion } from '../../core/ports/agreements.ts';
import type { OpenedPurchase } from '../../library/opened-consumer.ts';
import { EXIT } from '../exit-codes.ts';
import type { CommandContext } from '../run-command.ts';
import { showSeconds } from '../show-amount.ts';
import { awaitAnswer, unansweredText } from './await-answer.ts';

/**
 * The question that is open after this: the one that was, when it is this one, or else the one that is asked now. Null when
 * it is answered already.
 * @throws StateError when another one is open
 */
export async function openQuestion(
  { consumer, purchase }: OpenedPurchase,
  wanted: { readonly asks: OpenQuestion['asks']; readonly block: BlockIndex },
  signal: AbortSignal,
  ask: () => Promise<void>,
): Promise<OpenQuestion | null> {
  const { question } = purchase;
  if (question === null) {
    await ask();
    return (await consumer.market.readAgreement(purchase.id, 'latest', signal)).agreement?.question ?? null;
  }
  if (question.block === wanted.block && question.asks === wanted.asks) return question;
  const what = question.asks === 'chunk' ? 'A chunk' : 'The content key';
  throw new StateError(
    `${what} of block ${question.block} is already being asked for; the owner has until ${showSeconds(question.deadlineSeconds)}. Only one question can be open at a time.`,
  );
}

/** What is printed of a question, and the exit code; with `wait`, when it is answered or can lapse. */
export async function settleQuestion(
  { output, signal }: CommandContext,
  { consumer, purchase }: OpenedPurchase,
  open: OpenQuestion | null,
  said: { readonly asked: object; readonly text: string; readonly answered: string; readonly wait: boolean },
): Promise<number> {
  const { windowSeconds } = purchase.terms;
  if (!said.wait) {
    output.result(
      { ...said.asked, outcome: open === null ? 'answered' : 'open' },
      open === null ? said.answered : `${said.text}\nThen: plumb consumer lapse ${purchase.id}`,
    );
    return EXIT.ok;
  }
  output.progress(said.text);
  const outcome = await awaitAnswer(consumer.market, purchase.id, windowSeconds, signal);
  const isAnswered = outcome.question === null && outcome.state !== 'breached';
  output.result(
    { ...said.asked, outcome: isAnswered ? 'answered' : 'unanswered', state: outcome.state },
    isAnswered
      ? said.answered
      : `The owner did not answer by ${showSeconds(open?.deadlineSeconds ?? 0)}.\n${unansweredText(purchase.id, windowSeconds)}`,
  );
  return isAnswered ? EXIT.ok : EXIT.notIntact;
}

export function parseBlock(text: string): number {
  if (/^[0-9]{1,15}$/.test(text)) return Number(text);
  throw new InvalidArgumentError(`${text} is not a block number.`);
}
