import { LedgerUnavailableError } from '../../core/errors.ts';
import type { SaleParts } from './sale-parts.ts';
import { noteOffers, readScanned } from './sale-rows.ts';

/**
 * Looks for the owner's new offers with this agent, up to the final block: what is final stays where it was found.
 * @throws LedgerUnavailableError when the chain cannot be read, or the node is behind what was seen
 */
export async function findSales(parts: SaleParts, signal: AbortSignal): Promise<void> {
  const { market, owner, party, state, fromBlock } = parts;
  const { blockNumber } = await parts.readPoint('final', signal);
  const scanned = readScanned(state);
  // What was final stays so: a node that knows less is behind, or another chain's.
  if (scanned > blockNumber) {
    throw new LedgerUnavailableError(
      `The node's final block is ${blockNumber}, but ${scanned} was seen before. The node is behind, or on another chain. ` +
        'For another chain, use another state folder.',
    );
  }
  const from = Math.max(fromBlock, scanned + 1);
  if (from > blockNumber) return;
  const offers = await market.findOffers({ owner }, from, blockNumber, signal);
  const ours = offers.filter(({ agent }) => agent === party.account);
  for (const { id, terms } of noteOffers(state, ours, blockNumber)) {
    const { dataset, first, count } = terms;
    parts.onEvent({ event: 'offer-found', agreement: id, dataset, first, count });
  }
}
