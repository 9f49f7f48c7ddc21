import { randomInt } from 'node:crypto';
import type { Command } from 'commander';
import { InvalidArgumentError } from 'commander';
import { noteTransaction } from '../../client/consumer/note-transaction.ts';
import { NATIVE_COIN } from '../../core/ids.ts';
import { withKeystoreOptions } from '../command-options.ts';
import { runCommand } from '../run-command.ts';
import { showAmount, showSeconds } from '../show-amount.ts';
import { openQuestion, parseBlock, settleQuestion } from './ask-on-chain.ts';
import { openConsumerPurchase } from './consumer-home.ts';
import { penaltyLines, penaltyWorth } from './penalty-text.ts';

interface ChallengeOptions {
  readonly seed?: number;
  readonly wait?: boolean;
  readonly json?: boolean;
}

/** Adds `plumb consumer challenge`. */
export function addConsumerChallenge(consumer: Command): void {
  const command = consumer
    .command('challenge')
    .description('Challenge the owner to show a chunk of a block on the chain or lose the bond. You put up a stake.')
    .argument('<agreement>', 'id of an accepted agreement')
    .argument('<block>', 'number of the block', parseBlock)
    .option('--seed <number>', 'which chunk: the seed modulo the number of chunks (default: random)', parseSeed)
    .option('--wait', 'wait until the owner answers or the deadline passes')
    .addHelpText('after', EXAMPLES);
  withKeystoreOptions(command).action((id: string, block: number, options: ChallengeOptions) =>
    runCommand(options, async (context) => {
      const { signal } = context;
      const opened = await openConsumerPurchase(context, id);
      const { consumer, purchase, store } = opened;
      const worth = penaltyWorth(purchase, await consumer.market.readQuestionCosts(signal));
      if (purchase.question === null) context.output.notice(penaltyLines(worth, purchase).join('\n'));
      const open = await openQuestion(opened, { asks: 'chunk', block }, signal, async () => {
        const seed = options.seed ?? randomInt(2 ** 32);
        // The base fee may rise until it is mined; what is too much is the consumer's credit.
        const valueWei = 2n * (await consumer.market.readChallengeStakeWei(purchase.id, signal));
        const made = await consumer.party.challenge(purchase.id, { block, seed, valueWei }, signal);
        await noteTransaction(store, 'challenge', made);
      });
      const stake = open === null ? '' : `, with ${showAmount(open.stakeWei, NATIVE_COIN)} at stake`;
      const until = open === null ? '' : ` The owner may answer until ${showSeconds(open.deadlineSeconds)}.`;
      return settleQuestion(context, opened, open, {
        asked: { agreement: purchase.id, block, challenge: open, penalty: worth },
        text: `Block ${block} is challenged${stake}.${until}`,
        answered: `The owner has shown the chunk of block ${block} on the chain and received the stake.`,
        wait: options.wait === true,
      });
    }),
  );
}

const EXAMPLES = `
A valid answer earns the owner your stake. Without one in time, you get the stake back, and the bond
(plumb consumer lapse, then plumb consumer breach). First it shows what a challenge costs, what it can win, and how likely that is: it asks
for one random chunk, and an owner who lost a few chunks but kept their hashes can still show all the others.

Examples:
  plumb consumer challenge 0x… 17 --wait
Exit codes: 0 challenged, or with --wait: answered; 1 with --wait: not answered in time.`;

function parseSeed(text: string): number {
  const value = Number(text);
  if (/^[0-9]{1,10}$/.test(text) && value < 2 ** 32) return value;
  throw new InvalidArgumentError(`${text} is not a number from 0 to ${2 ** 32 - 1}.`);
}
