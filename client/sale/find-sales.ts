import type { SaleParts } from './sale-parts.ts';
import { noteOffers, readScanned } from './sale-rows.ts';

/** Looks for the owner's new offers with this agent, up to the final block: what is final stays where it was found. */
export async function findSales(parts: SaleParts, signal: AbortSignal): Promise<void> {
  const { market, owner, party, state, fromBlock } = parts;
  const { blockNumber } = await parts.readPoint('final', signal);
  const from = Math.max(fromBlock, readScanned(state) + 1);
  if (from > blockNumber) return;
  const offers = await market.findOffers({ owner }, from, blockNumber, signal);
  const ours = offers.filter(({ agent }) => agent === party.account);
  for (const { id, terms } of noteOffers(state, ours, blockNumber)) {
    const { dataset, first, count } = terms;
    parts.onEvent({ event: 'offer-found', agreement: id, dataset, first, count });
  }
}
