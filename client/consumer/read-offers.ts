import type { AgreementId } from '../../core/ids.ts';
import type { Agreement, AgreementMarket, OfferedEvent } from '../../core/ports/agreements.ts';
import type { ChainPoint } from '../../core/ports/ledger.ts';

/** An offer that OCASC has logged, and what has become of it. */
export interface ReadOffer<T extends Pick<OfferedEvent, 'id'>> {
  readonly event: T;
  readonly agreement: Agreement;
  /** Whether it can be accepted at the block that was asked. */
  readonly isOpen: boolean;
}

/**
 * What has become of offers, in their order and all at the newest block; those that the node does not know any more are left
 * out.
 * @throws LedgerUnavailableError when the chain cannot be read
 *
 * @example
 * const { agreement: offer } = await market.readAgreement(agreement, 'latest');
 * const [read] = await readOffers(market, [{ id: agreement }]);
 * console.log(read.agreement.state === offer?.state); // true
 */
export async function readOffers<T extends { readonly id: AgreementId }>(
  market: Pick<AgreementMarket, 'readAgreements'>,
  events: readonly T[],
  signal?: AbortSignal,
): Promise<readonly ReadOffer<T>[]> {
  if (events.length === 0) return [];
  const ids = events.map(({ id }) => id);
  const { point, agreements } = await market.readAgreements(ids, 'latest', signal);
  return events.flatMap((event, i) => {
    const agreement = agreements[i] ?? null;
    return agreement === null ? [] : [{ event, agreement, isOpen: isOpenAt(agreement, point) }];
  });
}

function isOpenAt({ state, terms }: Agreement, { timestampMs }: ChainPoint): boolean {
  return state === 'offered' && BigInt(timestampMs) <= 1000n * terms.acceptBySeconds;
}
