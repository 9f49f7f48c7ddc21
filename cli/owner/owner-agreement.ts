import type { Address, AgreementId } from '../../core/ids.ts';
import type { Connection } from '../../library/connection.ts';
import { newestPoint, openMarket } from '../../library/open-contracts.ts';
import { resolveId } from '../../library/short-ids.ts';

/** The offer of this owner whose id begins so. @throws ArgumentError when it is not exactly one */
export function resolveOffer(
  connection: Connection,
  owner: Address,
  text: string,
  signal: AbortSignal,
): Promise<AgreementId> {
  return resolveId(text, 'an offer', async () => {
    const { blockNumber } = await newestPoint(connection, signal);
    const offers = await openMarket(connection).findOffers({ owner }, connection.fromBlock, blockNumber, signal);
    return offers.map(({ id }) => id);
  });
}
