import type { AgreementId, BlockIndex, ContentKey } from '../../core/ids.ts';
import type { AgreementMarket } from '../../core/ports/agreements.ts';

/**
 * The content keys that the owner has shown on the chain where they were demanded, by block; one read where nothing was.
 * A key is to be compared with the commitment in the block's record.
 * @throws LedgerUnavailableError when the chain cannot be read
 *
 * @example
 * console.log((await readShownKeys(market, agreement, fromBlock)).size); // 0
 */
export async function readShownKeys(
  market: Pick<AgreementMarket, 'readAgreement' | 'findShownKeys'>,
  id: AgreementId,
  fromBlock: number,
  signal?: AbortSignal,
): Promise<ReadonlyMap<BlockIndex, ContentKey>> {
  const { agreement } = await market.readAgreement(id, 'latest', signal);
  if (agreement === null || agreement.demands === 0) return new Map();
  return market.findShownKeys(id, fromBlock, signal);
}
