import type { Address } from '../../core/ids.ts';
import { Problem } from '../answer/problem.ts';
import type { ServicePorts } from '../ports.ts';
import type { DatasetCaller, HttpRow } from '../row.ts';
import { chainDeviceOf, FollowedMemory, readFollowedCharters } from '../state/followed-charters.ts';
import { RecentMap } from '../state/recent-map.ts';
import type { Admission } from './admission.ts';
import {
  type AdmittedParty,
  admitParties,
  createPartyFinder,
  NO_CHARTER,
  notParty,
  type PartyFinder,
} from './admit-parties.ts';
import { partiesOf } from './read-parties.ts';
import type { SigningPorts } from './verify-caller.ts';

type Ports = SigningPorts & Pick<ServicePorts, 'ledger' | 'table'>;
type FindingPorts = Pick<Ports, 'ledger' | 'table' | 'runtime'>;

/** So often in so long the chain turns a caller away before it is not asked again for that caller. */
const MOST_REFUSALS = 10;
const REFUSALS_MS = 60_000;
const MOST_CALLERS = 10_000;

/**
 * Lets in who writes the dataset in the path, as the row names them: by the table where it says yes, as every batch of a fleet
 * asks for it, else by the chain (specification#rights).
 */
export function admitWriter(
  ports: Ports,
  row: HttpRow & { readonly callers: readonly DatasetCaller[] },
): Admission<Address, AdmittedParty> {
  return admitParties(ports, row, createWriterFinder(ports, row.callers));
}

/**
 * Finds a dataset's parties for a caller who must be one of those wanted. What the table says lets in for two minutes at most
 * after the chain says otherwise; what keeps out is the chain's word, so that a device named a moment ago need not wait.
 * @throws as createPartyFinder does
 */
export function createWriterFinder(ports: FindingPorts, wanted: readonly DatasetCaller[]): PartyFinder {
  const memory = new FollowedMemory();
  const findByChain = createPartyFinder(ports, wanted);
  const refusals = new RecentMap<Address, { readonly sinceMs: number; readonly count: number }>(MOST_CALLERS);

  const refusalsOf = (caller: Address) => {
    const nowMs = ports.runtime.monotonicMs();
    const known = refusals.get(caller);
    return known !== undefined && nowMs - known.sinceMs < REFUSALS_MS ? known : { sinceMs: nowMs, count: 0 };
  };
  return async (dataset, caller, signal) => {
    const charters = await readFollowedCharters(ports, memory, dataset, signal);
    if (charters?.length === 0) throw new Problem('/problems/not-found', NO_CHARTER);
    const parties =
      charters === null
        ? null
        : partiesOf(
            charters.map(({ charter }) => charter),
            chainDeviceOf(charters),
          );
    if (parties !== null && wanted.some((role) => parties[role] === caller)) return parties;
    const refused = refusalsOf(caller);
    // Whoever is let in by the chain is never counted; of others the chain is not asked on and on.
    if (refused.count >= MOST_REFUSALS) throw notParty(wanted);
    try {
      return await findByChain(dataset, caller, signal);
    } catch (error) {
      if (error instanceof Problem) refusals.set(caller, { ...refused, count: refused.count + 1 });
      throw error;
    }
  };
}
