import type { Address, DatasetId } from '../../core/ids.ts';
import type { Parties } from '../../core/ports/ledger.ts';
import { Problem } from '../answer/problem.ts';
import type { ServicePorts } from '../ports.ts';
import type { DatasetCaller, HttpRow } from '../row.ts';
import type { Admission } from './admission.ts';
import { keepBriefly } from './keep-briefly.ts';
import { createCallerVerifier, type SigningPorts } from './verify-caller.ts';

type Ports = SigningPorts & Pick<ServicePorts, 'ledger'>;

/** What a function is told of the dataset's parties, by the latest chain. */
export interface AdmittedParty {
  readonly parties: Parties;
}

/** Lets the parties of the dataset in the path in, as many of them as the row names. */
export function admitParties(
  ports: Ports,
  row: HttpRow & { readonly callers: readonly DatasetCaller[] },
): Admission<Address, AdmittedParty> {
  const findParties = createPartyFinder(ports, row.callers);
  return {
    identify: createCallerVerifier(ports, row.limits.bodyBytes),
    admit: async ({ dataset }, caller, signal) => ({
      parties: await findParties(dataset as DatasetId, caller, signal),
    }),
  };
}

/**
 * Finds a dataset's parties for a caller who must be one of those wanted; kept at most 15 s.
 * @throws Problem when there is no such dataset, or the caller is another
 */
export function createPartyFinder(
  ports: Pick<ServicePorts, 'ledger' | 'runtime'>,
  wanted: readonly DatasetCaller[],
): (dataset: DatasetId, caller: Address, signal: AbortSignal) => Promise<Parties> {
  const readParties = keepBriefly<DatasetId, Parties | null>(
    async (dataset, signal) => (await ports.ledger.readParties([dataset], 'latest', signal)).parties[0] ?? null,
    ports.runtime,
  );
  return async (dataset, caller, signal) => {
    const isWanted = (parties: Parties | null) =>
      parties !== null && wanted.some((role) => parties[role].toLowerCase() === caller);
    const parties = await readParties(dataset, isWanted, signal);
    if (parties === null) throw new Problem('/problems/not-found', 'No such dataset has been opened on this chain.');
    if (!isWanted(parties)) {
      throw new Problem('/problems/forbidden', `Only the dataset's ${wanted.join(' or ')} may do this.`);
    }
    return parties;
  };
}
