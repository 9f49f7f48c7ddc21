import type { Address } from '../../core/ids.ts';
import type { ServedOwners } from '../../functions/ports.ts';

/** The owners that a test says are served, at once and as it changes them. */
export function statedOwners(owners: ReadonlyMap<Address, number>): ServedOwners {
  return { quotasOf: async (asked) => asked.map((owner) => owners.get(owner) ?? null) };
}
