import type { BuyingRequest } from '../../core/market/buying-request.ts';
import type { Description } from '../../core/market/description.ts';

/** A description that says no more than it must. */
export const SAYS_LITTLE: Description = {
  ...{ v: 1, title: 'Weather', about: null, period: null, sizeBytes: null, contents: [], moreNames: 0 },
  ...{ licence: null, contact: null, request: null },
};

/** A request that says no more than it must; account and times are the test's. */
export const WISHES_LITTLE: Omit<BuyingRequest, 'account' | 'madeAtSeconds' | 'untilSeconds'> = {
  ...{ v: 1, topic: 'rain', about: null, period: null, price: null, contact: null, bought: null },
};
