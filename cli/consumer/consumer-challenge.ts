import { randomInt } from 'node:crypto';
import type { Command } from 'commander';
import { InvalidArgumentError } from 'commander';
import { StateError } from '../../core/errors.ts';
import { NATIVE_COIN } from '../../core/ids.ts';
import type { Agreement } from '../../core/ports/agreements.ts';
import { withKeystoreOptions } from '../command-options.ts';
import { EXIT } from '../exit-codes.ts';
import { runCommand } from '../run-command.ts';
import { showAmount, showSeconds } from '../show-amount.ts';
import { awaitAgreement } from './await-final.ts';
import { openConsumerPurchase } from './consumer-home.ts';
import { noteTransaction } from './purchase-file.ts';

interface ChallengeOptions {
  readonly seed?: number;
  readonly wait?: boolean;
  readonly json?: boolean;
}

/** Adds `plumb consumer challenge`. */
export function addConsumerChallenge(consumer: Command): void {
  const command = consumer
    .command('challenge')
    .description('Make the owner show a chunk of a block on the chain, against a stake, or lose the bond.')
    .argument('<agreement>', 'id of an accepted agreement')
    .argument('<block>', 'number of the block', parseBlock)
    .option('--seed <number>', 'which chunk: the seed modulo their number (random when absent)', parseSeed)
    .option('--wait', 'wait for the answer, or the end of the time for it')
    .addHelpText('after', EXAMPLES);
  withKeystoreOptions(command).action((id: string, block: number, options: ChallengeOptions) =>
    runCommand(options, async (context) => {
      const { output, signal } = context;
      const { consumer, purchase, store } = await openConsumerPurchase(context, id);
      const { market, party } = consumer;
      let open = purchase.challenge;
      if (open === null) {
        const seed = options.seed ?? randomInt(2 ** 32);
        // The base fee may rise until it is mined; what is too much is the consumer's credit.
        const valueWei = 2n * (await market.readChallengeStakeWei(purchase.id, signal));
        const made = await party.challenge(purchase.id, { block, seed, valueWei }, signal);
        await noteTransaction(store, 'challenge', made);
        open = (await market.readAgreement(purchase.id, 'latest', signal)).agreement?.challenge ?? null;
      } else if (open.block !== block) {
        throw new StateError(
          `Block ${open.block} is challenged already, until ${showSeconds(open.deadlineSeconds)}; one challenge at a time.`,
        );
      }
      const asked = { agreement: purchase.id, block, challenge: open };
      const stake = open === null ? '' : `, with ${showAmount(open.stakeWei, NATIVE_COIN)} at stake`;
      const deadline = showSeconds(open?.deadlineSeconds ?? 0);
      if (options.wait !== true) {
        output.result(
          { ...asked, outcome: open === null ? 'answered' : 'open' },
          `Block ${block} is challenged${stake}. The owner may answer until ${deadline}.\nThen: plumb consumer breach ${purchase.id}`,
        );
        return EXIT.ok;
      }
      output.progress(`Block ${block} is challenged${stake}; the owner may answer until ${deadline}`);
      const outcome = await outcomeOf(market, purchase.id, purchase.terms.windowSeconds, signal);
      const answered = outcome.challenge === null;
      output.result(
        { ...asked, outcome: answered ? 'answered' : 'unanswered', state: outcome.state },
        answered
          ? `The owner has shown the chunk of block ${block} on the chain, and has the stake.`
          : `No answer until ${deadline}.\nNext: plumb consumer breach ${purchase.id}   (escrow, bond and stake are yours, less what is due)`,
      );
      return answered ? EXIT.ok : EXIT.notIntact;
    }),
  );
}

const EXAMPLES = `
The stake pays the owner for a valid answer; without one in time, it comes back with the bond (plumb consumer breach).

Examples:
  plumb consumer challenge 0x… 17 --wait
Exit codes: 0 challenged, or with --wait answered; 1 with --wait not answered in time.`;

/** How far this machine's clock is trusted to be from the chain's, where the chain has no newer block. */
const CLOCK_MARGIN_MS = 2_000;

/** Waits for the end of the challenge: by the chain's clock, or by this one where nobody sends transactions. */
function outcomeOf(
  market: Parameters<typeof awaitAgreement>[0],
  id: Agreement['id'],
  windowSeconds: number,
  signal: AbortSignal,
): Promise<Agreement> {
  const wanted = { id, anchor: 'latest' as const, what: 'the answer', limitMs: 1000 * (windowSeconds + 600) };
  const isOver = ({ challenge }: Agreement, chainMs: number): boolean =>
    challenge === null || Math.max(chainMs, Date.now() - CLOCK_MARGIN_MS) > 1000 * challenge.deadlineSeconds;
  return awaitAgreement(market, wanted, isOver, signal);
}

function parseBlock(text: string): number {
  if (/^[0-9]{1,15}$/.test(text)) return Number(text);
  throw new InvalidArgumentError(`${text} is not the number of a block.`);
}

function parseSeed(text: string): number {
  const value = Number(text);
  if (/^[0-9]{1,10}$/.test(text) && value < 2 ** 32) return value;
  throw new InvalidArgumentError(`${text} is not a number from 0 to ${2 ** 32 - 1}.`);
}
