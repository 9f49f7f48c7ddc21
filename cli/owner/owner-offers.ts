import type { Command } from 'commander';
import { readOffers } from '../../client/consumer/read-offers.ts';
import { NATIVE_COIN } from '../../core/ids.ts';
import type { Agreement, OpenQuestion } from '../../core/ports/agreements.ts';
import { readConnection } from '../../library/connection.ts';
import { newestPoint, openMarket } from '../../library/open-contracts.ts';
import { withKeystoreOptions } from '../command-options.ts';
import { EXIT } from '../exit-codes.ts';
import { runCommand } from '../run-command.ts';
import { showAmount, showSeconds } from '../show-amount.ts';
import { openOwner } from './owner-home.ts';

/** Adds `plumb owner offers`. */
export function addOwnerOffers(owner: Command): void {
  const command = owner
    .command('offers')
    .description("List this owner's offers and their state, newest first, and what OCASC owes the owner.")
    .option('--all', 'also cancelled, breached and closed offers')
    .addHelpText('after', '\nExamples:\n  plumb owner offers\n  plumb owner offers --all --json');
  withKeystoreOptions(command).action((options: { all?: boolean; json?: boolean }) =>
    runCommand(options, async (context) => {
      const { output, signal } = context;
      const connection = await readConnection(context);
      const market = openMarket(connection);
      const { address } = await openOwner(context);
      const now = await newestPoint(connection, signal);
      const found = await market.findOffers({ owner: address }, connection.fromBlock, now.blockNumber, signal);
      const read = await readOffers(market, found.reverse(), signal);
      const shown = read.flatMap(({ agreement }) => (options.all === true || !isOver(agreement) ? [agreement] : []));
      const creditWei = await market.readCredit(NATIVE_COIN, address, 'latest', signal);
      const offers = shown.map(({ root, ownerEncryptionKey: _, ...rest }) => ({ ...rest, root }));
      const nowSeconds = Math.floor(now.timestampMs / 1000);
      output.result(
        { owner: address, offers, creditWei: String(creditWei) },
        [
          ...(shown.length === 0 ? ['No offers.'] : shown.map((agreement) => text(agreement, nowSeconds))),
          `OCASC owes you ${showAmount(creditWei, NATIVE_COIN)}${creditWei === 0n ? '' : '; take it out: plumb owner withdraw'}.`,
        ].join('\n'),
      );
      return EXIT.ok;
    }),
  );
}

function isOver({ state }: Agreement): boolean {
  return state === 'cancelled' || state === 'breached' || state === 'closed';
}

function text({ id, state, terms, buyer, due, question }: Agreement, nowSeconds: number): string {
  const { first, count, token, price, fee, bond } = terms;
  const tooOld = state === 'offered' && BigInt(nowSeconds) > terms.acceptBySeconds;
  return [
    `${id}   ${state}`,
    `  blocks   ${first} to ${first + count - 1} of ${terms.dataset}`,
    `  price    ${showAmount(price, token)}, fee ${showAmount(fee, token)}, bond ${showAmount(bond, token)}`,
    ...(tooOld ? [`  Nobody can accept it any more. Get the bond back: plumb owner cancel ${id}`] : []),
    ...(buyer === null ? [] : [`  bought   by ${buyer.consumer}, until ${showSeconds(buyer.endSeconds)}`]),
    ...(buyer === null ? [] : [`  earned   ${showAmount(due, token)} on the chain`]),
    ...(question === null ? [] : [questionLine(question)]),
  ].join('\n');
}

function questionLine({ asks, block, deadlineSeconds, graceEndSeconds }: OpenQuestion): string {
  const what = asks === 'chunk' ? `CHALLENGED for block ${block}` : `KEY DEMANDED of block ${block}`;
  return graceEndSeconds === null
    ? `  ${what}; answer by ${showSeconds(deadlineSeconds)}`
    : `  ${what}, and LAPSED; you lose the bond unless you answer by ${showSeconds(graceEndSeconds)}`;
}
