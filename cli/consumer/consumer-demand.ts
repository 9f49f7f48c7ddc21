import type { Command } from 'commander';
import { highestDue } from '../../client/consumer/pay-ahead.ts';
import { paidBlocks } from '../../core/agreement/quota.ts';
import { signVoucher } from '../../core/agreement/voucher.ts';
import { ENCRYPTED } from '../../core/charter/kind.ts';
import { ArgumentError } from '../../core/errors.ts';
import { type BlockIndex, NATIVE_COIN } from '../../core/ids.ts';
import type { OpenedPurchase } from '../../library/opened-consumer.ts';
import { noteTransaction } from '../../library/purchase-file.ts';
import { withKeystoreOptions } from '../command-options.ts';
import { runCommand } from '../run-command.ts';
import { showAmount, showSeconds } from '../show-amount.ts';
import { openQuestion, parseBlock, settleQuestion } from './ask-on-chain.ts';
import { openConsumerPurchase } from './consumer-home.ts';

interface DemandOptions {
  readonly wait?: boolean;
  readonly json?: boolean;
}

/** Adds `plumb consumer demand`. */
export function addConsumerDemand(consumer: Command): void {
  const command = consumer
    .command('demand')
    .description('Make the owner show the content key of a paid block on the chain, or lose the bond.')
    .argument('<agreement>', 'id of an accepted agreement about an encrypted dataset')
    .argument('<block>', 'number of a block that is signed for', parseBlock)
    .option('--wait', 'wait for the key, or the end of the time for it')
    .addHelpText('after', EXAMPLES);
  withKeystoreOptions(command).action((id: string, block: number, options: DemandOptions) =>
    runCommand(options, async (context) => {
      const { signal } = context;
      const opened = await openConsumerPurchase(context, id);
      const { consumer, purchase, store } = opened;
      requirePaid(opened, block);
      const open = await openQuestion(opened, { asks: 'key', block }, signal, async () => {
        await claimOwn(opened, block, signal);
        // The base fee may rise until it is mined; what is too much is the consumer's credit.
        const valueWei = 2n * (await consumer.market.readDemandStakeWei(signal));
        await noteTransaction(
          store,
          'demand',
          await consumer.party.demandKey(purchase.id, { block, valueWei }, signal),
        );
      });
      const stake = open === null ? '' : `, with ${showAmount(open.stakeWei, NATIVE_COIN)} for the answer's gas`;
      const until = open === null ? '' : ` The owner may show it until ${showSeconds(open.deadlineSeconds)}.`;
      return settleQuestion(context, opened, open, {
        asked: { agreement: purchase.id, block, demand: open },
        text: `The content key of block ${block} is demanded${stake}.${until}`,
        answered: `The owner has shown the content key of block ${block} on the chain; it is the one that the log commits to. plumb consumer fetch opens the block with it.`,
        wait: options.wait === true,
      });
    }),
  );
}

const EXAMPLES = `
For a block that you have signed for, and whose key did not come or is not the recorded one. Your own voucher is claimed first
where the chain does not know it yet. The stake pays for the gas of the answer; without an answer it comes back with the bond
(plumb consumer lapse, then plumb consumer breach).

Examples:
  plumb consumer demand 0x… 17 --wait
Exit codes: 0 demanded, or with --wait shown; 1 with --wait not shown in time.`;

/** @throws ArgumentError where nobody owes a content key of this block */
function requirePaid({ purchase, store }: OpenedPurchase, block: BlockIndex): void {
  const { id, kind, terms } = purchase;
  if (kind !== ENCRYPTED)
    throw new ArgumentError(`The blocks of agreement ${id} are not encrypted; they have no keys.`);
  const paid = paidBlocks(terms, highestDue(purchase, store));
  if (block >= terms.first && block < terms.first + paid) return;
  throw new ArgumentError(
    `Block ${block} is not signed for: ${paid === 0 ? 'none is' : `${terms.first} to ${terms.first + paid - 1} are`}. Only their keys are owed.`,
  );
}

/** OCASC has to know that the block is paid for: anyone may bring the voucher, its signer too. */
async function claimOwn({ consumer, purchase, keys, store }: OpenedPurchase, block: BlockIndex, signal: AbortSignal) {
  const { id, terms } = purchase;
  if (block < terms.first + paidBlocks(terms, purchase.due)) return;
  const { due } = store.state;
  const signature = signVoucher(consumer.market.domain, { agreement: id, due }, keys.signerKey);
  await noteTransaction(store, 'claim', await consumer.party.claim(id, due, signature, signal));
}
