import type { Command } from 'commander';
import { ArgumentError, StateError } from '../../core/errors.ts';
import type { Agreement } from '../../core/ports/agreements.ts';
import { parseAgreementId } from '../../library/opened-consumer.ts';
import { noteTransaction, openPurchaseFile } from '../../library/purchase-file.ts';
import { withKeystoreOptions } from '../command-options.ts';
import { EXIT } from '../exit-codes.ts';
import { parseCount } from '../parse-arguments.ts';
import { runCommand } from '../run-command.ts';
import { showAmount, showSeconds } from '../show-amount.ts';
import { awaitAgreement } from './await-final.ts';
import { openConsumer } from './consumer-home.ts';

interface AcceptOptions {
  readonly wait: number;
  readonly json?: boolean;
}

/** Adds `plumb consumer accept`. */
export function addConsumerAccept(consumer: Command): void {
  const command = consumer
    .command('accept')
    .description('Accept an offer: the price goes into escrow, and delivery begins once that is final.')
    .argument('<agreement>', 'id of the offer: it names exactly these terms and this log')
    .option('--wait <seconds>', 'how long to wait until it is final', parseCount, 120)
    .addHelpText('after', EXAMPLES);
  withKeystoreOptions(command).action((id: string, options: AcceptOptions) =>
    runCommand(options, async (context) => {
      const agreementId = parseAgreementId(id);
      const { party, market, keysOf } = await openConsumer(context);
      const keys = await keysOf(agreementId);
      const store = await openPurchaseFile(context.home, agreementId);
      const { agreement } = await market.readAgreement(agreementId, 'latest', context.signal);
      if (agreement === null) throw new ArgumentError(`There is no offer ${agreementId} on this chain.`);
      // Accepted by this keystore already, in a run that did not see it: nothing is paid twice.
      if (agreement.buyer?.signer !== keys.signer) {
        requireOffered(agreement);
        const { token, price } = agreement.terms;
        const made = await party.accept({ id: agreementId, token, price }, keys.signer, keys.publicKey, context.signal);
        await noteTransaction(store, 'accept', made);
      }
      context.output.progress('Accepted; waiting until it is final');
      const final = await awaitAgreement(
        market,
        { id: agreementId, anchor: 'final', what: 'the final acceptance', limitMs: options.wait * 1000 },
        ({ buyer }) => buyer?.signer === keys.signer,
        context.signal,
      );
      const { terms, buyer } = final;
      const transactions = store.state.transactions;
      context.output.result(
        {
          agreement: agreementId,
          state: final.state,
          buyer: buyer,
          terms: terms,
          transactions: transactions,
        },
        [
          `Acceptance is final. ${showAmount(terms.price, terms.token)} is in escrow; ${showAmount(final.due, terms.token)} is already owed to the owner.`,
          `Delivery and challenges until ${showSeconds(buyer?.endSeconds ?? 0)}.`,
          `Next: plumb consumer audit ${agreementId} --protocol III`,
        ].join('\n'),
      );
      return EXIT.ok;
    }),
  );
}

const EXAMPLES = `
Called again after a crash it goes on: an offer is never accepted twice.

Examples:
  plumb consumer accept 0x…`;

function requireOffered({ id, state, terms }: Agreement): void {
  if (state === 'offered') return;
  throw new StateError(
    `Offer ${id} of blocks ${terms.first} to ${terms.first + terms.count - 1} is ${state}; look for another: plumb consumer offers`,
  );
}
