import { counted } from '../../core/counted.ts';
import { parseDescription } from '../../core/market/description.ts';
import { printable } from '../printable.ts';
import { earnedBy } from './earned-by.ts';
import type { Receipt, ReceiptStep } from './receipt.ts';

/** Nothing is loaded, run, sent or embedded by the page, whatever its texts hold. */
const POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'";
const NATIVE = `0x${'00'.repeat(20)}`;
const NATIVE_DECIMALS = 18;

const STYLE = `
  body { font: 11pt/1.45 system-ui, sans-serif; color: #111; background: #fff; max-width: 48rem; margin: 2rem auto; padding: 0 1rem; }
  h1 { font-size: 1.5rem; margin: 0 0 .25rem; } h2 { font-size: 1.1rem; margin: 1.75rem 0 .5rem; }
  table { border-collapse: collapse; width: 100%; } th, td { text-align: left; vertical-align: top; padding: .25rem .5rem .25rem 0; }
  th { font-weight: 600; white-space: nowrap; } tr { border-bottom: 1px solid #ddd; break-inside: avoid; } thead { display: table-header-group; }
  code { font: .85em ui-monospace, monospace; overflow-wrap: anywhere; } p.note { color: #444; }
  @page { size: A4; margin: 18mm; } @media print { body { margin: 0; max-width: none; padding: 0; } h2 { break-after: avoid; } }`;

const EVENTS: Readonly<Record<ReceiptStep['event'], string>> = {
  offered: 'Offered; seller deposited the bond',
  cancelled: 'Offer cancelled',
  accepted: 'Accepted; buyer put the price into escrow',
  claimed: 'Voucher claimed; total due',
  challenged: 'Challenged; buyer put up a stake',
  'key-demanded': 'Key demanded; buyer put up a stake',
  answered: 'Challenge answered; stake to the seller',
  'key-shown': 'Key shown; stake to the seller',
  lapsed: 'Lapsed: seller did not answer in time',
  breached: 'Breached: the buyer gets the bond and the part not earned',
  quitted: 'Buyer ended the agreement early',
  closed: 'Closed',
  credited: 'Credited',
};

const STATES: Readonly<Record<Receipt['state'], string>> = {
  offered: 'nobody has accepted it yet',
  cancelled: 'the seller has taken the offer back',
  active: 'it is running',
  challenged: 'it is running, and the seller has a question to answer',
  lapsed: 'the seller has not answered a question in time, and loses the bond unless the answer comes within the grace',
  breached: 'the seller has not answered a question, and has lost the bond',
  closed: 'it is over, and each side has what is theirs',
};

/**
 * A receipt as a page: one file, without scripts, that prints well. Everything in it is escaped, whoever wrote it.
 * @throws ArgumentError when the description in it is none; one of `makeReceipt` is
 *
 * @example
 * import { createChainBlocks } from 'plumbline/adapters/ethereum/chain-blocks';
 * import { createOcascHistory } from 'plumbline/adapters/ethereum/ocasc-history';
 * import { makeReceipt } from 'plumbline/client/receipt/make-receipt';
 * import { NATIVE_COIN } from 'plumbline/core/ids';
 * const chainBlocks = createChainBlocks(connection);
 * const token = { token: NATIVE_COIN, symbol: null, decimals: null };
 * const sources = { market, history: createOcascHistory(connection), chainBlocks, fromBlock, described: null, token, local: null };
 * const receipt = await makeReceipt(sources, agreement, 'latest');
 * await writeFile(`${folder}/receipt.html`, receiptPage(receipt));
 */
export function receiptPage(receipt: Receipt): string {
  const { agreement, state, asOf, description } = receipt;
  const said = description === null ? null : parseDescription(description.text);
  const final = asOf.final ? 'a final block' : 'a block that is not final yet, so this may change';
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${escaped(POLICY)}">
<meta name="referrer" content="no-referrer">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Receipt ${escaped(agreement.slice(0, 10))}</title>
<style>${STYLE}
</style>
</head>
<body>
<h1>${escaped(said?.title ?? 'Receipt')}</h1>
<p class="note">Agreement ${code(agreement)} is <strong>${escaped(state)}</strong> (${STATES[state]}), by chain ${receipt.chainId}, block ${asOf.blockNumber} of ${time(asOf.timeSeconds)}, ${final}.</p>
<h2>Bought</h2>
${table(boughtRows(receipt, said))}
<h2>Paid</h2>
${table(paidRows(receipt))}
<h2>Proven and delivered</h2>
${table(provenRows(receipt))}
<h2>Transactions</h2>
<table><thead><tr><th>Time (UTC)</th><th>What</th><th>Amount</th><th>Transaction</th></tr></thead><tbody>
${receipt.steps.map((step) => stepRow(receipt, step)).join('\n')}
</tbody></table>
<p class="note">Contract OCASC ${code(receipt.ocasc)}. Every row above, except those marked “own records”, was read from its events and compared with its state. Anyone can repeat this: <code>plumb consumer receipt ${escaped(agreement)}</code>.</p>
</body>
</html>
`;
}

type Row = readonly [name: string, html: string];

function boughtRows(receipt: Receipt, said: ReturnType<typeof parseDescription> | null): Row[] {
  const { dataset, kind, first, count, owner, consumer, endSeconds, log } = receipt;
  return [
    ['Blocks', `${first} to ${first + count - 1} (${count.toLocaleString('en')}, ${escaped(kind)})`],
    ['Dataset', code(dataset)],
    ['Log', `${counted(log.size, 'block')}, root ${code(log.root)}`],
    ['Seller', code(owner)],
    ['Buyer', consumer === null ? 'nobody' : code(consumer)],
    ...(endSeconds === null ? [] : [['Ends', time(endSeconds)] as const]),
    ...(said === null ? [] : saidRows(said)),
  ];
}

/** The owner's own word, signed. */
function saidRows({ period, licence, contact, about }: ReturnType<typeof parseDescription>): Row[] {
  return [
    ...(period === null ? [] : [['Period', `${time(period.fromMs / 1000)} to ${time(period.toMs / 1000)}`] as const]),
    ...(licence === null ? [] : [['Licence', `${escaped(licence)} (the seller’s word, signed)`] as const]),
    ...(contact === null ? [] : [['Contact', escaped(contact)] as const]),
    ...(about === null ? [] : [['About', escaped(about).replaceAll('\n', '<br>')] as const]),
  ];
}

function paidRows(receipt: Receipt): Row[] {
  const money = (units: string) => amount(receipt, units, receipt.token.address);
  const { outcome, local } = receipt;
  return [
    ['Price', `${money(receipt.price)}, including the fee of ${money(receipt.fee)}`],
    ['Earned', `${money(receipt.due)}${earnedBy(receipt.paidBlocks)}`],
    ['Bond', money(receipt.bond)],
    ...(outcome === null
      ? []
      : [['Settled', `${money(outcome.toOwner)} to the seller, ${money(outcome.toConsumer)} to the buyer`] as const]),
    ...(local === null || local.signedFor === null
      ? []
      : [['Highest voucher', `${money(local.signedFor)} (own records)`] as const]),
    ...(local === null || local.feesWei === null
      ? []
      : [['Gas', `${amount(receipt, local.feesWei, NATIVE)} (own records)`] as const]),
  ];
}

function provenRows({ challenges, demands, local }: Receipt): Row[] {
  const own = local === null ? [] : deliveredRows(local);
  return [
    ['Challenges', `${challenges.asked} asked, ${challenges.answered} answered on the chain`],
    ['Keys demanded', `${demands.asked} asked, ${demands.answered} shown on the chain`],
    ...own,
  ];
}

function deliveredRows({ sampled, verified, unproven, deliveredTo }: NonNullable<Receipt['local']>): Row[] {
  const not = unproven === null || unproven === 0 ? '' : `; ${unproven} of them with a public key only`;
  return [
    ...(sampled === null ? [] : [['Sampled', `${counted(sampled, 'block')} audited (own records)`] as const]),
    ...(verified === null
      ? []
      : [['Delivered', `${counted(verified, 'block')} received and verified${not} (own records)`] as const]),
    ...(deliveredTo === null ? [] : [['Written to', `${code(deliveredTo)} (own records)`] as const]),
  ];
}

function stepRow(receipt: Receipt, step: ReceiptStep): string {
  const what = `${escaped(EVENTS[step.event])}${step.block === null ? '' : `, block ${step.block}`}`;
  const who = step.account === null || step.event !== 'credited' ? '' : ` to ${code(step.account)}`;
  const money = step.amount === null || step.token === null ? '' : amount(receipt, step.amount, step.token);
  return `<tr><td>${time(step.timeSeconds)}</td><td>${what}${who}</td><td>${money}</td><td>${code(step.transaction)}</td></tr>`;
}

function table(rows: readonly Row[]): string {
  return `<table><tbody>\n${rows.map(([name, html]) => `<tr><th>${escaped(name)}</th><td>${html}</td></tr>`).join('\n')}\n</tbody></table>`;
}

function amount({ token }: Receipt, units: string, of: string): string {
  if (of === NATIVE) return `${withPoint(units, NATIVE_DECIMALS)} ether`;
  if (of !== token.address || token.decimals === null) return `${escaped(units)} units of ${code(of)}`;
  return `${withPoint(units, token.decimals)} ${escaped(token.symbol ?? 'of the token')} (${code(of)})`;
}

function withPoint(units: string, decimals: number): string {
  const digits = units.padStart(decimals + 1, '0');
  const fraction = digits.slice(digits.length - decimals).replace(/0+$/, '');
  return `${digits.slice(0, digits.length - decimals)}${fraction === '' || decimals === 0 ? '' : `.${fraction}`}`;
}

function time(seconds: number): string {
  const ms = Math.floor(seconds) * 1000;
  return ms <= 8.64e15 ? new Date(ms).toISOString().slice(0, 19).replace('T', ' ') : `second ${seconds}`;
}

function code(text: string): string {
  return `<code>${escaped(text)}</code>`;
}

function escaped(text: string): string {
  const shown = text.split('\n').map(printable).join('\n');
  return shown
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll("'", '&#39;');
}
