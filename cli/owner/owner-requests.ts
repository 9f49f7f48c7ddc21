import type { Command } from 'commander';
import { counted } from '../../core/counted.ts';
import { address } from '../../core/ids.ts';
import type { NamedRequest } from '../../core/market/buying-request.ts';
import { openCatalogue, readConnection } from '../../library/connection.ts';
import { openMarket } from '../../library/open-contracts.ts';
import { shortIds } from '../../library/short-ids.ts';
import { withHomeOptions } from '../command-options.ts';
import { utc } from '../description-text.ts';
import { EXIT } from '../exit-codes.ts';
import { runCommand } from '../run-command.ts';
import { showAmount } from '../show-amount.ts';
import { readRequests } from './find-request.ts';

/** Adds `plumb owner requests`. */
export function addOwnerRequests(owner: Command): void {
  const command = owner
    .command('requests')
    .description(
      "List what others want to buy: signed requests on the service's board. They commit nobody to anything.",
    )
    .addHelpText('after', '\nExamples:\n  plumb owner requests\n  plumb owner offer weather --for 0x12345678 …');
  withHomeOptions(command).action((options: { json?: boolean }) =>
    runCommand(options, async ({ home, stack, output, signal }) => {
      const connection = await readConnection({ home, stack });
      const { domain } = openMarket(connection);
      const { requests, distrusted } = await readRequests(openCatalogue(connection), domain, signal);
      const short = shortIds(requests.map(({ id }) => id));
      if (distrusted > 0)
        output.notice(`The service gave ${counted(distrusted, 'request')} with invalid signatures; they are left out.`);
      output.result(
        { requests, distrusted },
        requests.length === 0 ? 'There are no requests.' : requests.map((one) => text(one, short)).join('\n'),
      );
      return EXIT.ok;
    }),
  );
}

/** The texts of a request that was checked have no characters that move or hide what is shown. */
function text({ id, request }: NamedRequest, short: (id: string) => string): string {
  const { account, topic, about, period, price, contact, bought, untilSeconds } = request;
  return [
    `${short(id)}   ${topic}`,
    ...(about === null ? [] : about.split('\n').map((line) => `  ${line}`)),
    `  from     ${account}${bought === null ? '' : ', who has bought before'}`,
    ...(period === null ? [] : [`  period   ${utc(period.fromMs)} to ${utc(period.toMs)}`]),
    ...(price === null ? [] : [`  price    at most ${showAmount(BigInt(price.most), address(price.token))}`]),
    ...(contact === null ? [] : [`  contact  ${contact}`]),
    `  until    ${utc(1000 * untilSeconds)}; answer: plumb owner offer DATASET --for ${short(id)} …`,
  ].join('\n');
}
