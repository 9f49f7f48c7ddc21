import { type Command, InvalidArgumentError } from 'commander';
import { UNKNOWN_CONTENTS } from '../../client/sale/summarise-contents.ts';
import type { Terms } from '../../core/agreement/terms.ts';
import { anchorerOf } from '../../core/charter/charter.ts';
import { ENCRYPTED } from '../../core/charter/kind.ts';
import { counted } from '../../core/counted.ts';
import type { Head } from '../../core/log/head.ts';
import type { Ledger } from '../../core/ports/ledger.ts';
import { type Connection, openService, readConnection } from '../../library/connection.ts';
import { type DatasetEntry, datasetEntry } from '../../library/dataset-list.ts';
import { openOffer } from '../../library/make-offer.ts';
import { DAY_SECONDS, DEFAULT_SAMPLES, type OfferTerms } from '../../library/offer-terms.ts';
import { openMarket } from '../../library/open-contracts.ts';
import type { OpenedOwner } from '../../library/opened-owner.ts';
import { readServed } from '../../library/read-served.ts';
import { withKeystoreOptions } from '../command-options.ts';
import { planNewest, planText, requireGrown } from '../dataset/record-newest.ts';
import { descriptionLines } from '../description-text.ts';
import { EXIT } from '../exit-codes.ts';
import { oddText, ownerLossText } from '../loss-text.ts';
import { progressBar } from '../output.ts';
import { parseAddress, parseAmount, parseCount, parseRange, parseSeconds } from '../parse-arguments.ts';
import { parseUntil } from '../parse-time.ts';
import { type CommandContext, runCommand } from '../run-command.ts';
import { showAmount } from '../show-amount.ts';
import {
  checkContents,
  type DescriptionOptions,
  readDescription,
  showDescription,
  withContents,
  withDescriptionOptions,
} from './describe-offer.ts';
import { answering, findRequest } from './find-request.ts';
import { openOwner } from './owner-home.ts';

interface OfferOptions extends OfferTerms, DescriptionOptions {
  /** Id of a request, or its beginning. */
  readonly for?: string;
  readonly again?: boolean;
  readonly dryRun?: boolean;
  /** False with --no-check. */
  readonly check: boolean;
  readonly json?: boolean;
}

/** Adds `plumb owner offer`. */
export function addOwnerOffer(owner: Command): void {
  const command = owner
    .command('offer')
    .description(
      'Offer recorded blocks for sale. You lose the bond if you do not show a challenged chunk or a paid key.',
    )
    .argument('<dataset>', 'name or id of the dataset')
    .requiredOption('--blocks <from-to>', 'blocks for sale, e.g. 0-999', parseRange)
    .requiredOption('--price <amount>', 'price of all the blocks, including the fee, e.g. 0.5ether', parseAmount)
    .requiredOption(
      '--fee <amount>',
      'part of the price due at acceptance, at most the price and the bond',
      parseAmount,
    )
    .requiredOption('--bond <amount>', 'what you deposit, and lose if you breach the agreement', parseAmount)
    .requiredOption('--stake <amount>', 'least cost of a challenge; you get it if you answer', parseAmount)
    .option('--max-challenges <count>', 'how many challenges the consumer may make', parseCount, 10)
    .option('--max-demands <count>', 'how many keys of paid blocks the consumer may demand', parseCount, 10)
    .option(
      '--samples <count>',
      `how many blocks the consumer may sample before paying (default: ${DEFAULT_SAMPLES}, or all; unencrypted: what the fee pays for)`,
      parseCount,
    )
    .option('--previews <count>', 'how many samples come with their content (encrypted: default 1)', parseNumber)
    .option(
      '--window <seconds>',
      "time to answer on the chain, and to claim after the agreement's end",
      parseSeconds,
      DAY_SECONDS,
    )
    .option('--duration <seconds>', "time from acceptance to the agreement's end", parseSeconds, 30 * DAY_SECONDS)
    .option(
      '--accept-by <time>',
      'last moment to accept: a time with its zone, or a duration from now such as 12h (default: 7d)',
      parseUntil,
    )
    .option('--consumer <address>', 'only this account may accept', parseAddress)
    .option('--token <address>', 'ERC-20 token of price, fee and bond, which you then give in units', parseAddress)
    .option('--for <request>', 'answer this request, so that only its account may accept (see plumb owner requests)')
    .option('--dry-run', 'show what you can lose and what a consumer will find odd; send nothing')
    .option('--again', 'make the offer even if the same one is already open')
    .option('--no-check', 'do not check first that the storage has what answers need')
    .addHelpText('after', EXAMPLES);
  withKeystoreOptions(withDescriptionOptions(command)).action((name: string, options: OfferOptions) =>
    runCommand(options, async (context) => {
      const { output, signal } = context;
      const connection = await readConnection(context);
      const entry = await datasetEntry(context.home, name);
      const opened = await openOwner(context);
      const service = await openService(connection, opened, 'http');
      const { domain } = openMarket(connection);
      const wish = options.for === undefined ? null : await findRequest(service, domain, options.for, signal);
      const words = await readDescription(options, wish?.id ?? null);
      const offer = openOffer(
        { connection, opened, service, entry, named: asOption },
        { ...options, ...(wish === null ? {} : answering(wish, options, output)) },
      );
      const { terms, agent, ledger, market } = offer;
      const seen = await offer.look(signal);
      const { owner: mostToLose, odd } = seen;
      const lossText = [
        ownerLossText(seen, terms, entry.kind),
        oddText(output, seen, 'The consumer will be warned that this is odd, and has to add --yes:'),
      ];
      const shown = lossText.filter((line) => line !== null).join('\n');
      if (options.dryRun === true) {
        output.result({ offered: false, terms, mostToLose, odd }, `${shown}\nNothing was sent.`);
        return EXIT.ok;
      }
      output.notice(shown);
      const recording = await recordIfNeeded(context, { connection, opened, service, ledger }, entry, terms);
      await offer.requireOfferable(signal);
      const onProgress = (done: number): void => output.progress(progressBar(done, terms.count, 'blocks checked'));
      const contents = options.check ? await checkContents(offer.checking, terms, onProgress, signal) : null;
      const description =
        words === null ? null : withContents(words, contents?.toContents(options.names) ?? UNKNOWN_CONTENTS);
      output.progress('Offering …');
      const { id, nonce, txHash } = await offer.make(context, { again: options.again === true }, signal);
      const isDescribed =
        description !== null && (await showDescription({ market, service, opened, output }, id, description, signal));
      const served = (await readServed(connection, [terms.dataset], signal))(terms);
      output.result(
        {
          id,
          nonce,
          agent,
          tx: txHash,
          terms,
          recording,
          mostToLose,
          odd,
          description,
          described: isDescribed,
          served,
        },
        [
          txHash === null ? `The same offer is already open; to make another one, add --again.` : `Offered: ${id}`,
          ...(txHash === null ? [`  id          ${id}`] : [`  transaction ${txHash}`]),
          `  blocks      ${terms.first} to ${terms.first + terms.count - 1} of ${terms.dataset}`,
          `  price       ${showAmount(terms.price, terms.token)}, fee ${showAmount(terms.fee, terms.token)}, bond ${showAmount(terms.bond, terms.token)}; ${counted(terms.samples, 'sample')}${entry.kind === ENCRYPTED ? `, ${terms.previews} of them with content` : ''}`,
          ...(isDescribed && description !== null ? descriptionLines(description) : []),
          ...(served === null || served.length > 0
            ? []
            : [`No storage may serve buyers of these blocks yet: plumb owner authorise ${entry.name}`]),
          'Keep this running from now on: plumb owner agent --out agent.json; plumb owner serve --agent agent.json',
        ].join('\n'),
      );
      return EXIT.ok;
    }),
  );
}

/** As a person has typed it. */
function asOption(term: keyof OfferTerms): string {
  return `--${term.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}

/** What `owner offer` has recorded first, so that OCASC finds it on DISSC. */
interface Recording {
  readonly transaction: string;
  readonly blocks: number;
  readonly gasUsed: bigint;
  readonly feeWei: bigint;
}

/**
 * Agreements rest on DISSC alone: of a dataset that stands in rounds, what is for sale and not there yet is recorded now. Either
 * way the log that is sold must be the one that this home has seen: the bond answers for it.
 */
async function recordIfNeeded(
  context: CommandContext,
  { connection, opened, service, ledger }: OfferSources,
  entry: DatasetEntry,
  { dataset, first, count }: Terms,
): Promise<Recording | null> {
  const { output, signal } = context;
  const newest = entry.charters.at(-1);
  const recorded = (await ledger.readHeads([dataset], 'latest', signal)).heads[0] as Head;
  const isInRounds = newest !== undefined && anchorerOf(newest) !== null;
  if (!isInRounds || first + count <= recorded.size) {
    await requireGrown(context, connection, service, entry, { newest: recorded, mayBeShorter: true });
    return null;
  }
  const { plan, send } = await planNewest(context, connection, opened, service, entry);
  // What is not there either is refused with its own words.
  if (plan === null || plan.to < first + count) return null;
  output.notice(`An agreement rests on DISSC alone. ${planText(entry.name, plan)} Recording it first.`);
  output.progress('Recording …');
  const { txHash, gasUsed, feeWei } = await send(plan);
  output.notice(`Recorded: DISSC has ${counted(plan.to, 'block')} of ${entry.name}, by transaction ${txHash}.`);
  return { transaction: txHash, blocks: plan.to, gasUsed, feeWei };
}

interface OfferSources {
  readonly connection: Connection;
  readonly opened: OpenedOwner;
  readonly service: Awaited<ReturnType<typeof openService>>;
  readonly ledger: Ledger;
}

function parseNumber(text: string): number {
  if (/^[0-9]{1,9}$/.test(text)) return Number(text);
  throw new InvalidArgumentError(`${text} is not a number.`);
}

const EXAMPLES = `
Before it sends anything, it shows the most that you can lose, and what a consumer will find odd about the terms.
--title adds a description that you sign. It is public, cannot be changed, and lists the files in the range unless you give
--no-names.

Examples:
  plumb owner offer weather --blocks 0-9999 --price 0.5ether --fee 0.01ether --bond 1ether --stake 0.001ether \\
    --title "Rain at Uccle, hourly" --licence CC-BY-4.0 --contact sales@example.org
  plumb owner offer weather --blocks 0-9999 --price 0.5ether --fee 0.01ether --bond 1ether --stake 0.001ether
  plumb owner offer weather --blocks 0-99 --price 1000wei --fee 10wei --bond 500wei --stake 1gwei --window 10s --duration 1h`;
