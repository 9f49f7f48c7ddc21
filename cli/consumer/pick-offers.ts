import type { AgreementId } from '../../core/ids.ts';
import type { Description } from '../../core/market/description.ts';
import type { OfferedEvent } from '../../core/ports/agreements.ts';
import type { Described } from './read-catalogue.ts';

/** Offers that are shown at most. */
export const MAX_SHOWN = 500;
/** Offers whose descriptions are searched at most, fifty to a request. */
export const MAX_SEARCHED = 5_000;

type Offered = Pick<OfferedEvent, 'id' | 'owner'>;

/** Offers to look at, and how many older ones are left out. */
export interface PickedOffers<T extends Offered> {
  readonly picked: readonly T[];
  readonly leftOut: number;
  readonly catalogue: ReadonlyMap<AgreementId, Described>;
}

/**
 * The newest offers or, where some are searched for, those that fit among many more. Anybody can make offers by the hundred,
 * about datasets of their own, so that honest ones are no longer among the newest; but a service describes only offers of the
 * owners it serves, so a search goes by descriptions first.
 * @param newestFirst all offers
 * @param fits null where nothing is searched for
 */
export async function pickOffers<T extends Offered>(
  newestFirst: readonly T[],
  fits: ((said: Description | undefined) => boolean) | null,
  readCatalogue: (offers: readonly T[]) => Promise<ReadonlyMap<AgreementId, Described>>,
): Promise<PickedOffers<T>> {
  const looked = newestFirst.slice(0, fits === null ? MAX_SHOWN : MAX_SEARCHED);
  const catalogue = await readCatalogue(looked);
  const fitting = fits === null ? looked : looked.filter(({ id }) => fits(catalogue.get(id)?.description));
  const picked = fitting.slice(0, MAX_SHOWN);
  return { picked, leftOut: newestFirst.length - looked.length + fitting.length - picked.length, catalogue };
}
