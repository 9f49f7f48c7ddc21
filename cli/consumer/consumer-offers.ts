import type { Command } from 'commander';
import { readOffers } from '../../client/consumer/read-offers.ts';
import { type DatasetKind, ENCRYPTED } from '../../core/charter/kind.ts';
import { counted } from '../../core/counted.ts';
import { type Address, type DatasetId, NATIVE_COIN } from '../../core/ids.ts';
import type { Description } from '../../core/market/description.ts';
import type { Agreement, OfferedEvent } from '../../core/ports/agreements.ts';
import type { TokenName } from '../../core/ports/tokens.ts';
import { readConnection } from '../../library/connection.ts';
import { newestPoint, openMarket } from '../../library/open-contracts.ts';
import { readServed, type ServedProtocol } from '../../library/read-served.ts';
import { resolveId, shortIds } from '../../library/short-ids.ts';
import { withHomeOptions } from '../command-options.ts';
import { descriptionLines } from '../description-text.ts';
import { durationText } from '../duration-text.ts';
import { EXIT } from '../exit-codes.ts';
import { parseAddress } from '../parse-arguments.ts';
import { runCommand } from '../run-command.ts';
import { showAmount, showSeconds } from '../show-amount.ts';
import { readTokenNames } from '../token-names.ts';
import { pickOffers } from './pick-offers.ts';
import { type Described, matches, readCatalogue } from './read-catalogue.ts';

interface OffersOptions {
  readonly dataset?: string;
  readonly owner?: Address;
  readonly all?: boolean;
  readonly search?: string[];
  readonly for?: string;
  readonly json?: boolean;
}

/** An offer as a consumer looks at it. */
interface ShownOffer {
  readonly id: Agreement['id'];
  readonly state: Agreement['state'];
  readonly owner: Address;
  readonly kind: DatasetKind;
  readonly terms: Agreement['terms'];
  /** Whether it can be accepted now. */
  readonly open: boolean;
  /** Protocols that a storage may serve for these blocks, by ASC; null where the address of ASC is not known. */
  readonly served: readonly ServedProtocol[] | null;
}

/** Adds `plumb consumer offers`. */
export function addConsumerOffers(consumer: Command): void {
  const command = consumer
    .command('offers')
    .description('List what is for sale: open offers on the chain, newest first.')
    .option('--dataset <id>', 'only of this dataset: its id, or the beginning')
    .option('--owner <address>', 'only of this owner', parseAddress)
    .option('--search <words...>', 'only offers whose description has all these words')
    .option('--for <request>', 'only offers that answer this request')
    .option('--all', 'also offers that are accepted, cancelled or expired')
    .addHelpText('after', EXAMPLES);
  withHomeOptions(command).action((options: OffersOptions) =>
    runCommand(options, async ({ home, stack, output, signal }) => {
      const connection = await readConnection({ home, stack });
      const market = openMarket(connection);
      const { owner } = options;
      const now = await newestPoint(connection, signal);
      const findOffers = (query: Parameters<typeof market.findOffers>[0]) =>
        market.findOffers(query, connection.fromBlock, now.blockNumber, signal);
      const byOwner = owner === undefined ? {} : { owner };
      const dataset = await resolveDataset(options.dataset, () => findOffers(byOwner));
      const events = (await findOffers({ ...byOwner, ...(dataset === null ? {} : { dataset }) })).reverse();
      const isSearch = options.search !== undefined || options.for !== undefined;
      const fits = isSearch ? (said: Description | undefined) => isWanted(options, said) : null;
      const { picked, leftOut, catalogue } = await pickOffers(events, fits, (offers) =>
        readCatalogue(connection, offers, output, signal),
      );
      const read = await readOffers(market, picked, signal);
      const wanted = read.filter(({ isOpen }) => isOpen || options.all === true);
      const servedBy = await readServed(
        connection,
        wanted.map(({ agreement }) => agreement.terms.dataset),
        signal,
      );
      const found: ShownOffer[] = wanted.map(({ agreement: { id, state, owner, kind, terms }, isOpen: open }) => ({
        ...{ id, state, owner, kind, terms, open, served: servedBy(terms) },
      }));
      const tokens = found.map(({ terms }) => terms.token);
      const named = await readTokenNames(connection, tokens, signal);
      const short = shortIds(events.map(({ id }) => id));
      const offers = found.map((offer) => ({ ...offer, ...saidOf(catalogue.get(offer.id)) }));
      const none = isSearch && events.length > 0 ? 'No offer matches these words.' : 'Nothing is for sale.';
      const lines = offers.map((offer) => text(offer, short, named(offer.terms.token)));
      output.result(
        { offers, leftOut },
        [...(found.length === 0 ? [none] : lines), ...leftOutLines(leftOut)].join('\n'),
      );
      return EXIT.ok;
    }),
  );
}

/** Null where the owner says nothing. */
interface Said {
  readonly descriptionName: string | null;
  readonly description: Description | null;
}

function saidOf(described: Described | undefined): Said {
  return { descriptionName: described?.name ?? null, description: described?.description ?? null };
}

function isWanted({ search, for: request }: OffersOptions, said: Description | undefined): boolean {
  if (request !== undefined && said?.request?.startsWith(request.toLowerCase()) !== true) return false;
  if (search === undefined) return true;
  const words = search.flatMap((word) => word.split(/\s+/)).filter((word) => word !== '');
  const names = said?.contents.map(({ name }) => name) ?? [];
  return said !== undefined && matches(words, [said.title, said.about, said.licence, said.contact, ...names]);
}

/** The dataset whose id begins so, among those of which there are offers; null where none is named. */
async function resolveDataset(
  text: string | undefined,
  find: () => Promise<readonly OfferedEvent[]>,
): Promise<DatasetId | null> {
  if (text === undefined) return null;
  return resolveId(text, 'a dataset that is offered', async () => (await find()).map(({ terms }) => terms.dataset));
}

function leftOutLines(leftOut: number): string[] {
  if (leftOut === 0) return [];
  return [
    `${counted(leftOut, 'older offer')} ${leftOut === 1 ? 'was' : 'were'} not read. To narrow the search, add --owner, --dataset or --search`,
  ];
}

const EXAMPLES = `
A description is the owner's signed claim; it is not part of the terms. Ids may be shortened wherever you give one.
Before you accept, look at who offers, and at the bond: it is what the owner loses by breaking the promise.

Examples:
  plumb consumer offers
  plumb consumer offers --search rain hourly
  plumb consumer offers --dataset 0x12345678 --json`;

function text(offer: ShownOffer & Said, short: (id: string) => string, token: Address | TokenName): string {
  const { id, state, kind, owner, terms, open, served, description } = offer;
  const { first, count, price, fee, bond, samples, previews, windowSeconds, durationSeconds } = terms;
  const shown =
    kind === ENCRYPTED ? `${samples} of your choice, ${previews} of them with content,` : `${samples} of your choice`;
  return [
    `${short(id)}${open ? '' : `   (${state})`}`,
    ...(description === null ? [] : descriptionLines(description)),
    `  dataset     ${terms.dataset} of ${owner}`,
    `  blocks      ${first} to ${first + count - 1} (${count.toLocaleString('en')}), ${shown} before you pay more`,
    `  price       ${showAmount(price, token)}, of which ${showAmount(fee, token)} at acceptance; bond ${showAmount(bond, token)}`,
    `  challenges  ${terms.maxChallenges}, each answered within ${durationText(1000 * windowSeconds)}, for ${showAmount(terms.stakeWei, NATIVE_COIN)} or twice the gas; ${counted(terms.maxDemands, 'key')} on demand`,
    `  time        ${durationText(1000 * durationSeconds)} from acceptance; payments until ${durationText(1000 * windowSeconds)} before the end; accept by ${showSeconds(terms.acceptBySeconds)}`,
    ...(served === null
      ? []
      : [
          `  storage     ${served.length === 0 ? 'may serve nobody yet' : `may serve Protocols ${served.join(' and ')}`}`,
        ]),
  ].join('\n');
}
