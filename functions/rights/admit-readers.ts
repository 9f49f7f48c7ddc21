import type { Address, DatasetId } from '../../core/ids.ts';
import type { ServicePorts } from '../ports.ts';
import type { Caller, DatasetCaller, HttpRow, Kind } from '../row.ts';
import type { Access } from './access.ts';
import type { Admission } from './admission.ts';
import { createPartyFinder } from './admit-parties.ts';
import { createAccessFinder } from './find-access.ts';
import { createServedReader, type ServingPorts } from './is-served.ts';
import { createGrantReader } from './read-grants.ts';
import { createCallerVerifier, type SigningPorts } from './verify-caller.ts';

type Ports = SigningPorts & ServingPorts & Pick<ServicePorts, 'ledger' | 'agreements'>;

/** What the agreement in the query lets the caller have; null without one: the dataset's parties may have all. */
export interface AdmittedReader {
  readonly access: Access | null;
}

/** Lets in who reads a dataset: its parties, and the parties of an agreement about it that is named in the query. */
export function admitReaders(
  ports: Ports,
  row: HttpRow & { readonly callers: readonly Caller[]; readonly delivers: Kind },
): Admission<Address, AdmittedReader> {
  const findParties = createPartyFinder(
    ports,
    row.callers.filter((caller): caller is DatasetCaller => caller === 'owner' || caller === 'device'),
  );
  const findAccess = createAccessFinder(ports, createServedReader(ports), createGrantReader(ports), row.delivers);
  return {
    identify: createCallerVerifier(ports, row.limits.bodyBytes),
    async admit({ dataset, under }, caller, signal) {
      if (under !== undefined) return { access: await findAccess(dataset as DatasetId, under, caller, signal) };
      await findParties(dataset as DatasetId, caller, signal);
      return { access: null };
    },
  };
}
