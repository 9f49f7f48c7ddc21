import type { Address, DatasetId } from '../../core/ids.ts';
import { Problem } from '../answer/problem.ts';
import type { ServicePorts } from '../ports.ts';
import type { DatasetCaller, HttpRow } from '../row.ts';
import type { Admission } from './admission.ts';
import { keepBriefly } from './keep-briefly.ts';
import { type CharteredParties, readParties } from './read-parties.ts';
import { createCallerVerifier, type SigningPorts } from './verify-caller.ts';

type Ports = SigningPorts & Pick<ServicePorts, 'ledger' | 'table'>;

export const NO_CHARTER =
  'This service has no charter of the dataset. The owner or the device has to send it first (put-charter).';

/** What a function is told of the dataset's parties, by the latest chain. */
export interface AdmittedParty {
  readonly parties: CharteredParties;
}

/** Finds a dataset's parties for a caller who must be one of those wanted. */
export type PartyFinder = (dataset: DatasetId, caller: Address, signal: AbortSignal) => Promise<CharteredParties>;

/** Lets the parties of the dataset in the path in, as many of them as the row names. */
export function admitParties(
  ports: Ports,
  row: HttpRow & { readonly callers: readonly DatasetCaller[] },
  findParties: PartyFinder = createPartyFinder(ports, row.callers),
): Admission<Address, AdmittedParty> {
  return {
    identify: createCallerVerifier(ports, row.limits.bodyBytes),
    admit: async ({ dataset }, caller, signal) => ({
      parties: await findParties(dataset as DatasetId, caller, signal),
    }),
  };
}

/**
 * Finds a dataset's parties for a caller who must be one of those wanted; kept at most 15 s.
 * @throws Problem when nobody has shown a charter of it, or the caller is another; LedgerUnavailableError when the chain does
 *   not answer
 */
export function createPartyFinder(
  ports: Pick<ServicePorts, 'ledger' | 'table' | 'runtime'>,
  wanted: readonly DatasetCaller[],
): PartyFinder {
  const kept = keepBriefly<DatasetId, CharteredParties | null>(
    (dataset, signal) => readParties(ports, dataset, signal),
    ports.runtime,
  );
  return async (dataset, caller, signal) => {
    const isWanted = (parties: CharteredParties | null) =>
      parties !== null && wanted.some((role) => parties[role] === caller);
    const parties = await kept(dataset, isWanted, signal);
    if (parties === null) throw new Problem('/problems/not-found', NO_CHARTER);
    if (!isWanted(parties)) throw notParty(wanted);
    return parties;
  };
}

/** Turns a caller away who is none of the parties wanted. */
export function notParty(wanted: readonly DatasetCaller[]): Problem {
  return new Problem('/problems/forbidden', `Only the dataset's ${wanted.join(' or ')} may do this.`);
}
