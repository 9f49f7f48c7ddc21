import { address, NATIVE_COIN } from '../../core/ids.ts';
import type { Agreement } from '../../core/ports/agreements.ts';
import type { AgreementRow } from '../engine/questions.ts';
import type { Engine } from './open-engine.ts';
import type { ReaderKeys } from './reader-keys.ts';

const MOST_AGREEMENTS = 200;

/** Offers and what has become of them, the newest first: an owner's own, or all that the chain has. */
export async function readAgreements(engine: Engine, keys: ReaderKeys, signal: AbortSignal): Promise<AgreementRow[]> {
  const { market, ledger, file } = engine;
  if (market === null) return [];
  const { reader } = keys;
  const { point } = await ledger.readHeads([], 'latest', signal);
  const query = reader.kind === 'owner' && reader.account !== null ? { owner: address(reader.account) } : {};
  const offers = await market.findOffers(query, file.fromBlock, point.blockNumber, signal);
  const newest = offers.slice(-MOST_AGREEMENTS).reverse();
  const { agreements } = await market.readAgreements(
    newest.map(({ id }) => id),
    'latest',
    signal,
  );
  return agreements.flatMap((agreement) => (agreement === null ? [] : [rowOf(agreement)]));
}

function rowOf({ id, state, terms, owner, buyer, due, question }: Agreement): AgreementRow {
  return {
    ...{ id, state, owner, dataset: terms.dataset, first: terms.first, count: terms.count },
    consumer: buyer?.consumer ?? null,
    ...{ price: String(terms.price), fee: String(terms.fee), bond: String(terms.bond), due: String(due) },
    isCoin: terms.token === NATIVE_COIN,
    acceptByMs: Number(terms.acceptBySeconds) * 1000,
    endMs: buyer === null ? null : buyer.endSeconds * 1000,
    question:
      question === null
        ? null
        : { asks: question.asks, block: question.block, deadlineMs: question.deadlineSeconds * 1000 },
  };
}
