import type { Command } from 'commander';
import { createOcascHistory } from '../../adapters/ethereum/ocasc-history.ts';
import type { PurchaseState } from '../../client/consumer/purchase-state.ts';
import type { Address, AgreementId } from '../../core/ids.ts';
import { parseDescription } from '../../core/market/description.ts';
import type { Agreement } from '../../core/ports/agreements.ts';
import type { TokenName } from '../../core/ports/tokens.ts';
import { chainOf } from '../../library/connection.ts';
import { newestPoint } from '../../library/open-contracts.ts';
import { listPurchases, openPurchaseFile } from '../../library/purchase-file.ts';
import { requireOcasc } from '../../library/require-contract.ts';
import { shortIds } from '../../library/short-ids.ts';
import { withKeystoreOptions } from '../command-options.ts';
import { EXIT } from '../exit-codes.ts';
import { runCommand } from '../run-command.ts';
import { showAmount, showSeconds } from '../show-amount.ts';
import { readTokenNames } from '../token-names.ts';
import { openConsumer } from './consumer-home.ts';
import { auditCommand } from './next-step.ts';
import { readCatalogue } from './read-catalogue.ts';

/** What was bought, and what is kept of it here. */
interface ShownPurchase {
  readonly agreement: Agreement;
  readonly title: string | null;
  /** Null where nothing is kept here: it was bought from another folder. */
  readonly local: PurchaseState | null;
  readonly next: string;
}

/** Adds `plumb consumer purchases`. */
export function addConsumerPurchases(consumer: Command): void {
  const command = consumer
    .command('purchases')
    .description(
      'List what this consumer has bought, from the chain and from the files kept here, and what to do next.',
    )
    .addHelpText('after', '\nExamples:\n  plumb consumer purchases\n  plumb consumer purchases --json');
  withKeystoreOptions(command).action((options: { json?: boolean }) =>
    runCommand(options, async (context) => {
      const { output, signal, home } = context;
      const { account, connection, market } = await openConsumer(context);
      const now = await newestPoint(connection, signal);
      const history = createOcascHistory({ ...chainOf(connection), ocasc: requireOcasc(connection) });
      // The chain knows what this account has bought, on whatever machine; the folder what was done here.
      const bought = await history.findAccepted(account, connection.fromBlock, now.blockNumber, signal);
      const kept = new Set(await listPurchases(home));
      const ids = [...new Set([...bought, ...kept])];
      const { agreements } = await market.readAgreements(ids, 'latest', signal);
      const found = agreements.flatMap((one) => (one?.buyer?.consumer === account ? [one] : []));
      const catalogue = await readCatalogue(connection, found, output, signal);
      const tokens = found.map(({ terms }) => terms.token);
      const named = await readTokenNames(connection, tokens, signal);
      const short = shortIds(found.map(({ id }) => id));
      const purchases: ShownPurchase[] = [];
      for (const agreement of found.reverse()) {
        const local = kept.has(agreement.id) ? (await openPurchaseFile(home, agreement.id)).state : null;
        const accepted = local?.described == null ? null : parseDescription(local.described.text);
        const title = (accepted ?? catalogue.get(agreement.id)?.description)?.title ?? null;
        const next = nextOf(agreement, local, Math.floor(now.timestampMs / 1000), short);
        purchases.push({ agreement, title, local, next });
      }
      output.result(
        { consumer: account, purchases },
        purchases.length === 0
          ? 'You have bought nothing. See what is for sale: plumb consumer offers'
          : purchases.map((one) => text(one, short, named(one.agreement.terms.token))).join('\n'),
      );
      return EXIT.ok;
    }),
  );
}

/** What a consumer does next, by where an agreement stands. */
function nextOf(
  { id, state, buyer, question, terms }: Agreement,
  local: PurchaseState | null,
  nowSeconds: number,
  short: (id: AgreementId) => string,
): string {
  const name = short(id);
  const endSeconds = buyer?.endSeconds ?? 0;
  switch (state) {
    case 'challenged':
      return nowSeconds > (question?.deadlineSeconds ?? 0)
        ? `the owner has not answered: plumb consumer lapse ${name}`
        : `the owner has until ${showSeconds(question?.deadlineSeconds ?? 0)} to answer`;
    case 'lapsed':
      return nowSeconds > (question?.graceEndSeconds ?? 0)
        ? `the bond is yours: plumb consumer breach ${name}`
        : `the owner has until ${showSeconds(question?.graceEndSeconds ?? 0)} to answer late`;
    case 'closed':
    case 'breached':
      return `take out what OCASC owes you: plumb consumer withdraw; for your records: plumb consumer receipt ${name}`;
    case 'active':
      if (nowSeconds >= endSeconds + terms.windowSeconds) return `the agreement is over: plumb consumer close ${name}`;
      if (nowSeconds >= endSeconds)
        return `the agreement has ended; close it from ${showSeconds(endSeconds + terms.windowSeconds)} on`;
      if (local !== null && local.verified >= terms.count) return `every block is here: plumb consumer approve ${name}`;
      if (local === null || local.sampled.length === 0) return auditCommand(name, terms);
      return `plumb consumer fetch ${name} --out FOLDER`;
    case 'offered':
    case 'cancelled':
      return 'nothing';
  }
}

function text(
  { agreement, title, local, next }: ShownPurchase,
  short: (id: string) => string,
  token: Address | TokenName,
): string {
  const { id, state, terms, due, buyer } = agreement;
  const verified = local === null ? 'no files are kept here' : `${local.verified} of ${terms.count} verified`;
  return [
    `${short(id)}   ${state}${title === null ? '' : `   ${title}`}`,
    `  blocks   ${terms.first} to ${terms.first + terms.count - 1}; ${verified}`,
    `  paid     ${showAmount(local === null || local.due < due ? due : local.due, token)} of ${showAmount(terms.price, token)}`,
    `  until    ${showSeconds(buyer?.endSeconds ?? 0)}`,
    `  next     ${next}`,
  ].join('\n');
}
