import { LedgerUnavailableError } from '../../core/errors.ts';
import { compareFinal, DAY_BLOCKS } from '../../core/final-block.ts';
import type { SaleParts } from './sale-parts.ts';
import { noteOffers, readScanned } from './sale-rows.ts';

/**
 * Looks for the owner's new offers with this agent, up to the final block: what is final stays where it was found.
 *
 * A node whose final block went back is behind, or an earlier answer was too high. Which of them, nobody here can know, so what it has now is
 * searched again and the next look begins there: one wrong number must not keep the agent from new offers for ever.
 * @throws LedgerUnavailableError when the chain cannot be read; once, after the search, when the final block went back
 */
export async function findSales(parts: SaleParts, signal: AbortSignal): Promise<void> {
  const { market, owner, party, state, fromBlock } = parts;
  const { blockNumber } = await parts.readPoint('final', signal);
  const scanned = readScanned(state);
  const place = compareFinal(scanned, blockNumber);
  const next = { ahead: scanned + 1, behind: blockNumber - DAY_BLOCKS, 'far-behind': fromBlock }[place];
  const from = Math.max(fromBlock, next);
  if (from <= blockNumber) {
    const offers = await market.findOffers({ owner }, from, blockNumber, signal);
    const ours = offers.filter(({ agent }) => agent === party.account);
    for (const { id, terms } of noteOffers(state, ours, blockNumber)) {
      const { dataset, first, count } = terms;
      parts.onEvent({ event: 'offer-found', agreement: id, dataset, first, count });
    }
  }
  if (place !== 'ahead') {
    throw new LedgerUnavailableError(
      `The node's final block is ${blockNumber}, but it was ${scanned} before. The agent has searched for offers again from block ${from} ` +
        'and goes on. If this comes again, the node is behind or on another chain: name another node.',
    );
  }
}
