import { type Command, InvalidArgumentError } from 'commander';
import { nodePrimitives } from '../../adapters/crypto/node-primitives.ts';
import { createDisscLedger } from '../../adapters/ethereum/dissc-ledger.ts';
import { lookAtOffer } from '../../client/consumer/look-at-offer.ts';
import { offerBlocks, requireOfferable } from '../../client/sale/offer-blocks.ts';
import { type ContentSummary, UNKNOWN_CONTENTS } from '../../client/sale/summarise-contents.ts';
import { leastStakeWei } from '../../core/agreement/most-to-lose.ts';
import { deriveEncryptionKeys } from '../../core/agreement/seal-message.ts';
import type { Terms } from '../../core/agreement/terms.ts';
import { anchorerOf } from '../../core/charter/charter.ts';
import { encodeDatasetName } from '../../core/charter/dataset-name.ts';
import { ENCRYPTED } from '../../core/charter/kind.ts';
import { ArgumentError } from '../../core/errors.ts';
import { NATIVE_COIN } from '../../core/ids.ts';
import { deriveAgentSecrets, deriveOfferSeed } from '../../core/keys.ts';
import type { Head } from '../../core/log/head.ts';
import type { QuestionCosts } from '../../core/ports/agreements.ts';
import { accountOfKey } from '../../core/typed-data.ts';
import { type Connection, openService, readConnection } from '../../library/connection.ts';
import { type DatasetEntry, datasetEntry } from '../../library/dataset-list.ts';
import { fetchManifest } from '../../library/fetch-manifest.ts';
import { DAY_SECONDS, DEFAULT_SAMPLES, type OfferTerms, termsOf } from '../../library/offer-terms.ts';
import { openMarket, openParty } from '../../library/open-contracts.ts';
import { openLooker } from '../../library/open-looker.ts';
import { datasetKeyOf, type OpenedOwner } from '../../library/opened-owner.ts';
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
      'Offer recorded blocks for sale, with a bond that is lost when a challenged block or a paid key is not shown.',
    )
    .argument('<dataset>', 'name or id of the dataset')
    .requiredOption('--blocks <from-to>', 'what is for sale, e.g. 0-999', parseRange)
    .requiredOption('--price <amount>', 'for all the blocks, fee included, e.g. 0.5ether', parseAmount)
    .requiredOption('--fee <amount>', 'what is due at acceptance already, at most price and bond', parseAmount)
    .requiredOption('--bond <amount>', 'what you put in, and lose at a breach', parseAmount)
    .requiredOption('--stake <amount>', 'what a challenge costs at least; yours once you have answered', parseAmount)
    .option('--max-challenges <count>', 'how many challenges the consumer has', parseCount, 10)
    .option('--max-demands <count>', 'how many keys of paid blocks the consumer may demand', parseCount, 10)
    .option(
      '--samples <count>',
      `blocks of the consumer's choice before paying (default: ${DEFAULT_SAMPLES}, or all; unencrypted: what the fee pays for)`,
      parseCount,
    )
    .option('--previews <count>', 'how many of the samples come with their content (encrypted: default 1)', parseNumber)
    .option('--window <seconds>', 'time to answer on the chain, and to claim after the end', parseSeconds, DAY_SECONDS)
    .option('--duration <seconds>', 'from acceptance to the end', parseSeconds, 30 * DAY_SECONDS)
    .option(
      '--accept-by <time>',
      'last moment to accept: a time with its zone, or from now on 12h or 7d (default: 7d)',
      parseUntil,
    )
    .option('--consumer <address>', 'only this account may accept', parseAddress)
    .option('--token <address>', 'ERC-20 that price, fee and bond are in; give them as units then', parseAddress)
    .option('--for <request>', 'answer this request: only its account may accept (plumb owner requests)')
    .option('--dry-run', 'say what you can lose, and what a consumer will find odd, and send nothing')
    .option('--again', 'even if the same offer stands already')
    .option('--no-check', 'without looking first whether storage has what answers are made of')
    .addHelpText('after', EXAMPLES);
  withKeystoreOptions(withDescriptionOptions(command)).action((name: string, options: OfferOptions) =>
    runCommand(options, async (context) => {
      const { output, signal } = context;
      const connection = await readConnection(context);
      const entry = await datasetEntry(context.home, name);
      const opened = await openOwner(context);
      const ledger = createDisscLedger(connection);
      const service = await openService(connection, opened, 'http');
      const market = openMarket(connection);
      const wish = options.for === undefined ? null : await findRequest(service, market.domain, options.for, signal);
      const words = await readDescription(options, wish?.id ?? null);
      const terms = termsOf(entry, { ...options, ...(wish === null ? {} : answering(wish, options, output)) });
      const { agentKey, offersSecret } = deriveAgentSecrets(nodePrimitives, opened.seed);
      const agent = accountOfKey(agentKey);
      const { publicKey } = await deriveEncryptionKeys(deriveOfferSeed(nodePrimitives, offersSecret, 0n));
      const asOffered = { terms, kind: entry.kind, agent, ownerEncryptionKey: publicKey };
      const seen = await lookAtOffer(openLooker(connection), asOffered, terms.token, signal);
      requireStake(terms, seen.costs);
      const { owner: mostToLose, odd } = seen;
      const lossText = [
        ownerLossText(seen, terms, entry.kind),
        oddText(output, seen, 'A consumer will be told that this is odd, and has to give --yes:'),
      ];
      const shown = lossText.filter((line) => line !== null).join('\n');
      if (options.dryRun === true) {
        output.result({ offered: false, terms, mostToLose, odd }, `${shown}\nNothing was sent.`);
        return EXIT.ok;
      }
      output.notice(shown);
      const recording = await recordIfNeeded(context, { connection, opened, service, ledger }, entry, terms);
      await requireOfferable({ ledger }, terms, signal);
      let contents: ContentSummary | null = null;
      if (options.check) {
        const keys = { datasetKeyOf: datasetKeyOf(opened, terms.dataset) };
        const parts = { primitives: nodePrimitives, ledger, service, ...keys, fetchManifest };
        contents = await checkContents(
          parts,
          terms,
          (done) => output.progress(progressBar(done, terms.count, 'blocks can be served')),
          signal,
        );
      }
      const description =
        words === null ? null : withContents(words, contents?.toContents(options.names) ?? UNKNOWN_CONTENTS);
      const parts = {
        ...{ primitives: nodePrimitives, ledger, agent, offersSecret, fromBlock: connection.fromBlock },
        ...{ market, party: openParty(context, connection, opened) },
      };
      output.progress('Offering …');
      const { id, nonce, txHash } = await offerBlocks(
        parts,
        { name: encodeDatasetName(entry.name), kind: entry.kind },
        terms,
        { again: options.again === true },
        signal,
      );
      const isDescribed =
        description !== null && (await showDescription({ market, service, opened, output }, id, description, signal));
      output.result(
        { id, nonce, agent, tx: txHash, terms, recording, mostToLose, odd, description, described: isDescribed },
        [
          txHash === null ? `This offer stands already; --again makes another one.` : `Offered: ${id}`,
          ...(txHash === null ? [`  id           ${id}`] : [`  transaction  ${txHash}`]),
          `  blocks       ${terms.first} to ${terms.first + terms.count - 1} of ${terms.dataset}`,
          `  price        ${showAmount(terms.price, terms.token)}, fee ${showAmount(terms.fee, terms.token)}, bond ${showAmount(terms.bond, terms.token)}; ${terms.samples} samples${entry.kind === ENCRYPTED ? `, ${terms.previews} of them with content` : ''}`,
          ...(isDescribed && description !== null ? descriptionLines(description) : []),
          'Have this running from now on: plumb owner agent --out agent.json; plumb owner serve --agent agent.json',
        ].join('\n'),
      );
      return EXIT.ok;
    }),
  );
}

/** @throws ArgumentError where answers would not pay for themselves: OCASC knows no gas price there */
function requireStake({ stakeWei }: Terms, costs: QuestionCosts): void {
  const leastWei = leastStakeWei(costs);
  if (leastWei === null || stakeWei >= leastWei) return;
  throw new ArgumentError(
    `--stake is ${showAmount(stakeWei, NATIVE_COIN)}. This chain has no base fee, so an answer is repaid by the stake alone, and its gas costs half of ${showAmount(leastWei, NATIVE_COIN)} now: give at least ${leastWei}wei.`,
  );
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
  output.notice(`An agreement rests on DISSC alone. ${planText(entry.name, plan)} It is recorded first.`);
  output.progress('Recording …');
  const { txHash, gasUsed, feeWei } = await send(plan);
  output.notice(`Recorded: DISSC has ${plan.to} blocks of ${entry.name}, by transaction ${txHash}.`);
  return { transaction: txHash, blocks: plan.to, gasUsed, feeWei };
}

interface OfferSources {
  readonly connection: Connection;
  readonly opened: OpenedOwner;
  readonly service: Awaited<ReturnType<typeof openService>>;
  readonly ledger: ReturnType<typeof createDisscLedger>;
}

function parseNumber(text: string): number {
  if (/^[0-9]{1,9}$/.test(text)) return Number(text);
  throw new InvalidArgumentError(`${text} is not a number.`);
}

const EXAMPLES = `
Before anything is sent it says the most that you can lose, and what a consumer will find odd about the terms.
With --title the offer gets a description that you sign: it is public, stays as it is, and names the files in the range
unless --no-names is given.

Examples:
  plumb owner offer weather --blocks 0-9999 --price 0.5ether --fee 0.01ether --bond 1ether --stake 0.001ether \\
    --title "Rain at Uccle, hourly" --licence CC-BY-4.0 --contact sales@example.org
  plumb owner offer weather --blocks 0-9999 --price 0.5ether --fee 0.01ether --bond 1ether --stake 0.001ether
  plumb owner offer weather --blocks 0-99 --price 1000wei --fee 10wei --bond 500wei --stake 1gwei --window 10s --duration 1h`;
