import { type Command, InvalidArgumentError } from 'commander';
import { ArgumentError } from '../../core/errors.ts';
import { type Address, NATIVE_COIN } from '../../core/ids.ts';
import { type BuyingRequest, MAX_REQUEST_SECONDS, signRequest } from '../../core/market/buying-request.ts';
import { openService, readConnection } from '../../library/connection.ts';
import { openMarket } from '../../library/open-contracts.ts';
import { withKeystoreOptions } from '../command-options.ts';
import { utc } from '../description-text.ts';
import { EXIT } from '../exit-codes.ts';
import { openOwner } from '../owner/owner-home.ts';
import { parseAddress, parseAmount, parseSeconds } from '../parse-arguments.ts';
import { parseTime } from '../parse-time.ts';
import { runCommand } from '../run-command.ts';
import { resolvePurchase } from './consumer-home.ts';

interface RequestOptions {
  readonly about?: string;
  readonly from?: number;
  readonly to?: number;
  readonly price?: bigint;
  readonly token?: Address;
  readonly contact?: string;
  readonly bought?: string;
  readonly for: number;
  readonly json?: boolean;
}

const DAY_SECONDS = 86_400;

/** Adds `plumb consumer request`. */
export function addConsumerRequest(consumer: Command): void {
  const command = consumer
    .command('request')
    .description("Post a signed request for data on the service's public board. It commits nobody to anything.")
    .argument('<topic>', 'what you are looking for, e.g. "Rain in Brussels, hourly"')
    .option('--about <text>', 'more details')
    .option('--from <time>', 'start of the period that you want, a time with its zone', asTime)
    .option('--to <time>', 'end of that period', asTime)
    .option('--price <amount>', 'the most that you would pay', parseAmount)
    .option('--token <address>', 'ERC-20 that the price is in', parseAddress)
    .option('--contact <text>', 'how an owner reaches you; anyone can read it')
    .option('--bought <agreement>', 'an agreement that you have accepted: buyers have their own section on the board')
    .option('--for <duration>', 'how long the request stays on the board, 14 days at most', asLifetime, 7 * DAY_SECONDS)
    .addHelpText('after', EXAMPLES);
  withKeystoreOptions(command).action((topic: string, options: RequestOptions) =>
    runCommand(options, async (context) => {
      const { output, signal } = context;
      const opened = await openOwner(context);
      const connection = await readConnection(context);
      const { domain } = openMarket(connection);
      const { from, to, price, token = NATIVE_COIN, about, contact } = options;
      if ((from === undefined) !== (to === undefined)) throw new ArgumentError('A period needs both --from and --to.');
      const madeAtSeconds = Math.floor(Date.now() / 1000);
      const request: BuyingRequest = {
        ...{ v: 1, account: opened.address, topic: topic.normalize('NFC').trim() },
        about: about?.normalize('NFC').trim() ?? null,
        period: from === undefined || to === undefined ? null : { fromMs: from, toMs: to },
        price: price === undefined ? null : { token, most: String(price) },
        contact: contact?.normalize('NFC').trim() ?? null,
        bought: options.bought === undefined ? null : await resolvePurchase(context, options.bought),
        ...{ madeAtSeconds, untilSeconds: madeAtSeconds + options.for },
      };
      const service = await openService(connection, opened, 'http');
      const { id } = await service.putRequest(signRequest(domain, request, opened.privateKey), signal);
      output.result(
        { id, request },
        [
          `Requested: ${id}`,
          `It stays on the board until ${utc(1000 * request.untilSeconds)}, and anyone can read it.`,
          `Look for answers: plumb consumer offers --for ${id.slice(0, 10)}`,
        ].join('\n'),
      );
      return EXIT.ok;
    }),
  );
}

function asTime(text: string): number {
  return parseTime(text);
}

function asLifetime(text: string): number {
  const seconds = parseSeconds(text);
  if (seconds <= MAX_REQUEST_SECONDS) return seconds;
  throw new InvalidArgumentError(`${text} is longer than 14 days.`);
}

const EXAMPLES = `
Each account can have two requests at a time. A request pays and binds nobody; an owner answers with an offer to your account.

Examples:
  plumb consumer request "Rain in Brussels, hourly" --price 0.1ether --contact me@example.org
  plumb consumer request "Rain in Brussels" --from 2026-01-01T00:00Z --to 2026-02-01T00:00Z --for 3d`;
