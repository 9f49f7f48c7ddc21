import type { Command } from 'commander';
import { nodeRuntime } from '../../adapters/runtime/node-runtime.ts';
import { acceptOffer } from '../../client/consumer/accept-offer.ts';
import type { LookedAtOffer } from '../../client/consumer/look-at-offer.ts';
import type { Address } from '../../core/ids.ts';
import { parseDescription } from '../../core/market/description.ts';
import type { SignedText } from '../../core/market/signed-text.ts';
import type { Agreement } from '../../core/ports/agreements.ts';
import { openLooker } from '../../library/open-looker.ts';
import { openPurchaseFile } from '../../library/purchase-file.ts';
import { readDescribed } from '../../library/read-described.ts';
import { readServed, type ServedProtocol } from '../../library/read-served.ts';
import { withKeystoreOptions } from '../command-options.ts';
import { descriptionLines } from '../description-text.ts';
import { EXIT } from '../exit-codes.ts';
import { consumerLossText, oddText } from '../loss-text.ts';
import type { Output } from '../output.ts';
import { parseAddress, parseCount } from '../parse-arguments.ts';
import { runCommand } from '../run-command.ts';
import { showAmount, showSeconds } from '../show-amount.ts';
import { openConsumer, resolveOffered } from './consumer-home.ts';
import { auditCommand } from './next-step.ts';

interface AcceptOptions {
  readonly yes?: boolean;
  readonly dryRun?: boolean;
  readonly token?: Address;
  readonly wait: number;
  readonly json?: boolean;
}

/** Adds `plumb consumer accept`. */
export function addConsumerAccept(consumer: Command): void {
  const command = consumer
    .command('accept')
    .description(
      'Accept an offer: shows what you can lose, then puts the price into escrow. Delivery begins once that is final.',
    )
    .argument('<agreement>', 'id of the offer; it identifies exactly these terms and this log')
    .option('--yes', 'accept even if something about the offer is odd')
    .option('--dry-run', 'show what you can lose and what is odd; send nothing')
    .option('--token <address>', "the token that you intend to pay in; checked against the offer's", parseAddress)
    .option('--wait <seconds>', 'how long to wait for a final block', parseCount, 120)
    .addHelpText('after', EXAMPLES);
  withKeystoreOptions(command).action((id: string, options: AcceptOptions) =>
    runCommand(options, async (context) => {
      const { output, signal } = context;
      const agreementId = await resolveOffered(context, id);
      const { party, market, keysOf, connection } = await openConsumer(context);
      const store = await openPurchaseFile(context.home, agreementId);
      const looker = openLooker(connection);
      const parts = {
        ...{ market, party, looker, keys: await keysOf(agreementId), store, runtime: nodeRuntime },
        readDescribed: (offer: Agreement) => readDescribed(connection, offer, signal),
      };
      const choices = {
        token: options.token ?? null,
        async agrees(seen: LookedAtOffer, offer: Agreement, described: SignedText | null) {
          const servedBy = await readServed(connection, [offer.terms.dataset], signal);
          const about = described === null ? [] : descriptionLines(parseDescription(described.text));
          return isAgreed(seen, offer, [...about, ...unservedLines(servedBy(offer.terms))], options, output);
        },
        onSent: () => output.progress('Accepted; waiting for a final block'),
        waitMs: options.wait * 1000,
      };
      const final = await acceptOffer(parts, agreementId, choices, signal);
      if (final === null) return options.dryRun === true ? EXIT.ok : EXIT.unconfirmed;
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
          `Next: ${auditCommand(agreementId, terms)}`,
        ].join('\n'),
      );
      return EXIT.ok;
    }),
  );
}

const EXAMPLES = `
Before it sends anything, it shows the most that you can lose, and what is odd: a fee above a tenth of the price, a bond below
the price, little time, a new dataset, a token that you did not name, and others. --json shows these as codes. If something is
odd, nothing is sent without --yes. Safe to run again after a crash: an offer is never accepted twice.

Examples:
  plumb consumer accept 0x… --dry-run
  plumb consumer accept 0x…
  plumb consumer accept 0x… --token 0x…     the price is in this token
Exit codes: 0 accepted, or with --dry-run: shown; 7 something is odd and nothing was sent.`;

/** Shows what can be lost and what is odd. False where that is all that is to be done. */
function isAgreed(
  seen: LookedAtOffer,
  { id, terms }: Agreement,
  about: readonly string[],
  options: AcceptOptions,
  output: Output,
): boolean {
  const { consumer: mostToLose, odd } = seen;
  const lines = [...about, consumerLossText(seen, terms), oddText(output, seen, 'Odd about this offer:')];
  const shown = lines.filter((line) => line !== null).join('\n');
  const isStopped = odd.length > 0 && options.yes !== true;
  if (options.dryRun !== true && !isStopped) {
    output.notice(shown);
    return true;
  }
  const remedy = isStopped ? 'Nothing was sent. To accept anyway, add --yes' : 'Nothing was sent.';
  output.result({ agreement: id, accepted: false, mostToLose, odd }, `${shown}\n${remedy}`);
  return false;
}

/** Keys alone are of no use: somebody must be allowed to hand out the blocks. */
function unservedLines(served: readonly ServedProtocol[] | null): string[] {
  if (served === null || served.length > 0) return [];
  return [
    'No storage may serve these blocks yet: its owner has not authorised one, or the storage has not accepted. Until then you get no blocks. Ask the owner first.',
  ];
}
