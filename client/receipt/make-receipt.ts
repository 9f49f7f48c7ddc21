import { paidBlocks } from '../../core/agreement/quota.ts';
import { equalBytes, to0x } from '../../core/bytes.ts';
import { ENCRYPTED, PLAIN } from '../../core/charter/kind.ts';
import { LedgerUnavailableError, StateError } from '../../core/errors.ts';
import { type AgreementId, NATIVE_COIN } from '../../core/ids.ts';
import { descriptionName, requireDescription } from '../../core/market/description.ts';
import type { SignedText } from '../../core/market/signed-text.ts';
import type { AgreementEvent, AgreementHistory } from '../../core/ports/agreement-history.ts';
import type { Agreement, AgreementMarket, OfferedEvent } from '../../core/ports/agreements.ts';
import type { ChainBlocks } from '../../core/ports/chain-blocks.ts';
import type { Anchor } from '../../core/ports/ledger.ts';
import type { TokenName } from '../../core/ports/tokens.ts';
import { MAX_STEPS, type Receipt, type ReceiptStep, receiptSchema } from './receipt.ts';

/** What a receipt is made through. */
export interface ReceiptSources {
  readonly market: AgreementMarket;
  readonly history: AgreementHistory;
  readonly chainBlocks: ChainBlocks;
  /** No event of the contracts is before it. */
  readonly fromBlock: number;
  /** The owner's word on the offer, not checked yet; null where there is none. */
  readonly described: SignedText | null;
  readonly token: TokenName;
  readonly local: Receipt['local'];
}

const BLOCKS_AT_ONCE = 50;

/**
 * What was bought, paid and proven, and by which transactions: from OCASC's events up to one block, compared with what OCASC
 * itself says of the agreement at that block. The node is believed in nothing that the two do not agree in.
 * @param anchor `final` for a receipt that stays true; `latest` says so in it
 * @throws LedgerUnavailableError when events and state differ, or the chain moved meanwhile: ask again; StateError when it has
 * more events than a receipt lists
 *
 * @example
 * import { createChainBlocks } from 'plumbline/adapters/ethereum/chain-blocks';
 * import { createOcascHistory } from 'plumbline/adapters/ethereum/ocasc-history';
 * import { NATIVE_COIN } from 'plumbline/core/ids';
 * const chainBlocks = createChainBlocks(connection);
 * const token = { token: NATIVE_COIN, symbol: null, decimals: null };
 * const sources = { market, history: createOcascHistory(connection), chainBlocks, fromBlock, described: null, token, local: null };
 * const receipt = await makeReceipt(sources, agreement, 'latest');
 * console.log(receipt?.count, receipt?.steps[0]?.event); // 4 offered
 */
export async function makeReceipt(
  sources: ReceiptSources,
  id: AgreementId,
  anchor: Anchor,
  signal?: AbortSignal,
): Promise<Receipt | null> {
  const { market, history, fromBlock } = sources;
  const { point, agreement } = await market.readAgreement(id, anchor, signal);
  if (agreement === null) return null;
  const { owner, terms } = agreement;
  const offers = await market.findOffers({ owner, dataset: terms.dataset }, fromBlock, point.blockNumber, signal);
  const offer = offers.find((one) => one.id === id);
  if (offer === undefined) throw differs(id, 'they contain no offer of it');
  const events = await history.readHistory(id, offer.blockNumber, point.blockNumber, signal);
  requireSame(agreement, offer, events);
  if (events.length + 1 > MAX_STEPS) {
    throw new StateError(
      `Agreement ${id} has ${events.length + 1} events; a receipt lists at most ${MAX_STEPS}. Read them from the chain: contract ${market.domain.ocasc}.`,
    );
  }
  const times = await readTimes(sources.chainBlocks, [offer, ...events], point, signal);
  const steps = [offeredStep(offer, times), ...events.map((event) => stepOf(event, agreement, times))];
  const signed = sources.described;
  const { domain } = market;
  if (signed !== null) requireDescription(domain, agreement, signed);
  const count = (kind: AgreementEvent['event']) => events.filter(({ event }) => event === kind).length;
  return receiptSchema.parse({
    ...{ v: 1, chainId: domain.chainId, ocasc: domain.ocasc, agreement: id, state: agreement.state },
    asOf: {
      ...{ blockNumber: point.blockNumber, blockHash: point.blockHash },
      ...{ timeSeconds: Math.floor(point.timestampMs / 1000), final: anchor === 'final' },
    },
    ...{ owner, consumer: agreement.buyer?.consumer ?? null, dataset: terms.dataset },
    kind: agreement.kind === ENCRYPTED ? 'encrypted' : agreement.kind === PLAIN ? 'plain' : 'attached',
    ...{ first: terms.first, count: terms.count, log: { size: agreement.size, root: to0x(agreement.root) } },
    token: { address: terms.token, symbol: sources.token.symbol, decimals: sources.token.decimals },
    ...{ price: String(terms.price), fee: String(terms.fee), bond: String(terms.bond), due: String(agreement.due) },
    paidBlocks: agreement.buyer === null ? 0 : paidBlocks(terms, agreement.due),
    outcome: outcomeOf(agreement, events),
    challenges: { asked: count('challenged'), answered: count('answered') },
    demands: { asked: count('key-demanded'), answered: count('key-shown') },
    endSeconds: agreement.buyer?.endSeconds ?? null,
    description:
      signed === null
        ? null
        : { name: descriptionName(domain, id, signed.text), text: signed.text, signature: to0x(signed.signature) },
    ...{ steps, local: sources.local },
  } satisfies Receipt);
}

/** The stakes of questions, which the steps show, are not in it. */
function outcomeOf({ terms }: Agreement, events: readonly AgreementEvent[]): Receipt['outcome'] {
  for (const event of events) {
    if (event.event === 'cancelled') return { toOwner: String(terms.bond), toConsumer: '0' };
    if (event.event === 'closed' || event.event === 'breached') {
      return { toOwner: String(event.toOwner), toConsumer: String(event.toConsumer) };
    }
  }
  return null;
}

/** That the events lead to what OCASC says of the agreement. */
function requireSame(agreement: Agreement, offer: OfferedEvent, events: readonly AgreementEvent[]): void {
  const { id, state, buyer, due, terms } = agreement;
  if (offer.size !== agreement.size || !equalBytes(offer.root, agreement.root) || offer.agent !== agreement.agent) {
    throw differs(id, 'they contain another offer');
  }
  let reached: Agreement['state'] = 'offered';
  let earned = 0n;
  let accepted: Extract<AgreementEvent, { event: 'accepted' }> | null = null;
  const asked = { challenged: 0, 'key-demanded': 0 };
  for (const event of events) {
    switch (event.event) {
      case 'accepted':
        [reached, earned, accepted] = ['active', terms.fee, event];
        break;
      case 'claimed':
        earned = event.due;
        break;
      case 'challenged':
      case 'key-demanded':
        reached = 'challenged';
        asked[event.event]++;
        break;
      case 'answered':
      case 'key-shown':
        reached = 'active';
        break;
      case 'closed':
        // Approval earns everything and closes in one call.
        [reached, earned] = ['closed', event.toOwner - terms.bond];
        if (event.toOwner + event.toConsumer !== terms.price + terms.bond)
          throw differs(id, 'their payments do not add up');
        break;
      case 'breached':
        reached = 'breached';
        if (event.toOwner + event.toConsumer !== terms.price + terms.bond)
          throw differs(id, 'their payments do not add up');
        break;
      case 'lapsed':
      case 'cancelled':
        reached = event.event;
        break;
      case 'quitted':
      case 'credited':
        break;
    }
  }
  if (reached !== state) throw differs(id, `they end in the state ${reached}, but it is ${state}`);
  if (earned !== due) throw differs(id, `they add up to ${earned} due, but ${due} is due`);
  if (accepted?.consumer !== buyer?.consumer || accepted?.signer !== buyer?.signer) {
    throw differs(id, 'they name another consumer');
  }
  if (asked.challenged !== agreement.challenges || asked['key-demanded'] !== agreement.demands) {
    throw differs(id, 'they contain other questions');
  }
}

function differs(id: AgreementId, what: string): LedgerUnavailableError {
  return new LedgerUnavailableError(
    `The node's events of agreement ${id} contradict OCASC: ${what}. Try again, or ask another node.`,
  );
}

/** Times of the blocks, by their hashes; that a block has another hash by now means that the chain moved. */
async function readTimes(
  chainBlocks: ChainBlocks,
  events: readonly { readonly blockNumber: number; readonly blockHash?: string }[],
  point: { readonly blockNumber: number; readonly blockHash: string },
  signal?: AbortSignal,
): Promise<ReadonlyMap<number, number>> {
  const hashes = new Map<number, string | undefined>();
  for (const { blockNumber, blockHash } of events) hashes.set(blockNumber, blockHash ?? hashes.get(blockNumber));
  hashes.set(point.blockNumber, point.blockHash);
  const numbers = [...hashes.keys()];
  const times = new Map<number, number>();
  for (let from = 0; from < numbers.length; from += BLOCKS_AT_ONCE) {
    const some = numbers.slice(from, from + BLOCKS_AT_ONCE);
    const blocks = await chainBlocks.readBlocks(some, signal);
    for (const [i, number] of some.entries()) {
      const block = blocks[i];
      const wanted = hashes.get(number);
      if (block == null || (wanted !== undefined && block.blockHash !== wanted)) {
        throw new LedgerUnavailableError(`Block ${number} was reorganised away while it was read. Try again.`);
      }
      times.set(number, Math.floor(block.timestampMs / 1000));
    }
  }
  return times;
}

function offeredStep(
  { txHash, blockNumber, terms, owner }: OfferedEvent,
  times: ReadonlyMap<number, number>,
): ReceiptStep {
  return {
    ...{ event: 'offered', transaction: txHash, blockNumber, timeSeconds: times.get(blockNumber) ?? 0, block: null },
    ...{ amount: String(terms.bond), token: terms.token, account: owner },
  };
}

function stepOf(event: AgreementEvent, { terms }: Agreement, times: ReadonlyMap<number, number>): ReceiptStep {
  const { txHash: transaction, blockNumber } = event;
  const at = { event: event.event, transaction, blockNumber, timeSeconds: times.get(blockNumber) ?? 0 };
  const nothing = { block: null, amount: null, token: null, account: null };
  switch (event.event) {
    case 'accepted':
      return { ...at, block: null, amount: String(terms.price), token: terms.token, account: event.consumer };
    case 'claimed':
      return { ...at, ...nothing, amount: String(event.due), token: terms.token };
    case 'challenged':
    case 'key-demanded':
    case 'answered':
    case 'key-shown':
      return { ...at, ...nothing, block: event.block, amount: String(event.stakeWei), token: NATIVE_COIN };
    case 'credited':
      return { ...at, block: null, amount: String(event.amount), token: event.token, account: event.account };
    case 'cancelled':
    case 'lapsed':
    case 'breached':
    case 'quitted':
    case 'closed':
      return { ...at, ...nothing };
  }
}
