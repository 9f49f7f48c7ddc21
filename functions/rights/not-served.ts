import type { Address } from '../../core/ids.ts';
import { Problem } from '../answer/problem.ts';
import type { ServiceSettings } from '../ports.ts';

/** Turns an owner away who is not served, and says how to be served where there is a way. */
export function notServed(
  { cssAccount, grants }: Pick<ServiceSettings, 'cssAccount' | 'grants'>,
  owner: Address,
): Problem {
  const no = `This service does not store for ${owner}`;
  if (cssAccount === null || grants.openQuotaBytes === null) return new Problem('/problems/not-served', `${no}.`);
  const price = `${grants.minPerRecordWei} wei a record or more`;
  return new Problem(
    '/problems/not-served',
    `${no} without an accepted grant for this dataset on ASC to ${cssAccount}, at ${price}, in a final block.`,
  );
}
