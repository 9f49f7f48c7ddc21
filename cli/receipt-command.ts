import { writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { createChainBlocks } from '../adapters/ethereum/chain-blocks.ts';
import { createOcascHistory } from '../adapters/ethereum/ocasc-history.ts';
import { createTokenReader } from '../adapters/ethereum/read-token.ts';
import { earnedBy } from '../client/receipt/earned-by.ts';
import { makeReceipt } from '../client/receipt/make-receipt.ts';
import type { Receipt } from '../client/receipt/receipt.ts';
import { receiptPage } from '../client/receipt/receipt-page.ts';
import { counted } from '../core/counted.ts';
import { ArgumentError, FileError } from '../core/errors.ts';
import { type AgreementId, address, NATIVE_COIN } from '../core/ids.ts';
import type { SignedText } from '../core/market/signed-text.ts';
import { type Connection, chainOf } from '../library/connection.ts';
import { openMarket } from '../library/open-contracts.ts';
import { requireOcasc } from '../library/require-contract.ts';
import { readCatalogue } from './consumer/read-catalogue.ts';
import type { CommandContext } from './run-command.ts';
import { showAmount } from './show-amount.ts';

export interface ReceiptOptions {
  readonly out?: string;
  readonly html?: string;
  readonly latest?: boolean;
  readonly json?: boolean;
}

/**
 * Makes a receipt of an agreement, writes it where it was asked for, and shows it.
 * @param accepted what the owner said of it when it was accepted, as far as that is kept; else what the service shows now
 */
export async function runReceipt(
  { output, signal }: Pick<CommandContext, 'output' | 'signal'>,
  connection: Connection,
  id: AgreementId,
  local: Receipt['local'],
  options: ReceiptOptions,
  accepted: SignedText | null,
): Promise<void> {
  const market = openMarket(connection);
  const anchor = options.latest === true ? 'latest' : 'final';
  const { agreement } = await market.readAgreement(id, anchor, signal);
  if (agreement === null) {
    const hint = options.latest === true ? '' : ', or it is not final yet (try --latest)';
    throw new ArgumentError(`There is no agreement ${id} on this chain${hint}.`);
  }
  const chain = { ...chainOf(connection), ocasc: requireOcasc(connection) };
  const { token } = agreement.terms;
  const noName = { token, symbol: null, decimals: null };
  const shown = (await readCatalogue(connection, [agreement], output, signal)).get(id)?.signed ?? null;
  const described = accepted ?? shown;
  if (accepted !== null && shown !== null && shown.text !== accepted.text) {
    output.notice(
      'The service now shows another description than the one that you accepted. The owner has signed both. The receipt has the one that you accepted.',
    );
  }
  const sources = {
    ...{ market, history: createOcascHistory(chain), chainBlocks: createChainBlocks(chain), described, local },
    token: token === NATIVE_COIN ? noName : await createTokenReader(chain).readToken(token, signal),
    fromBlock: connection.fromBlock,
  };
  const receipt = await makeReceipt(sources, id, anchor, signal);
  if (receipt === null) throw new ArgumentError(`Agreement ${id} disappeared from this chain. Try again.`);
  const { out, html } = options;
  if (out !== undefined) await write(out, `${JSON.stringify(receipt, null, 2)}\n`);
  if (html !== undefined) await write(html, receiptPage(receipt));
  output.result({ receipt }, [...textOf(receipt), ...writtenLines(options)].join('\n'));
}

async function write(path: string, text: string): Promise<void> {
  try {
    await writeFile(path, text, { mode: 0o600 });
  } catch (cause) {
    throw new FileError(`${path} cannot be written.`, { cause });
  }
}

function writtenLines({ out, html }: ReceiptOptions): string[] {
  const files = [out, html].filter((path) => path !== undefined).map((path) => resolve(path));
  return files.length === 0
    ? ['To write a file: --out receipt.json; for printing: --html receipt.html']
    : [`Written: ${files.join(', ')}`];
}

function textOf({
  agreement,
  state,
  asOf,
  first,
  count,
  dataset,
  token,
  price,
  due,
  paidBlocks,
  ...rest
}: Receipt): string[] {
  const money = (units: string) => showAmount(BigInt(units), { ...token, token: address(token.address) });
  const { challenges, demands, outcome, steps, local } = rest;
  return [
    `Receipt of ${agreement}: ${state}, by block ${asOf.blockNumber}${asOf.final ? '' : ', which is not final'}`,
    `  bought     blocks ${first} to ${first + count - 1} of ${dataset}`,
    `  price      ${money(price)}; earned ${money(due)}${earnedBy(paidBlocks)}`,
    ...(outcome === null
      ? []
      : [`  settled    ${money(outcome.toOwner)} to the owner, ${money(outcome.toConsumer)} to the consumer`]),
    `  proven     ${challenges.answered} of ${counted(challenges.asked, 'challenge')} answered, ${demands.answered} of ${counted(demands.asked, 'key')} shown`,
    ...(local?.verified == null
      ? []
      : [`  delivered  ${counted(local.verified, 'block')}, according to the files kept here`]),
    ...steps.map(({ event, transaction }) => `  ${event.padEnd(13)} ${transaction}`),
  ];
}
