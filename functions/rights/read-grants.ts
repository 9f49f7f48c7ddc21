import type { DatasetId } from '../../core/ids.ts';
import type { Grant, GrantTerms } from '../../core/ports/grants.ts';
import type { ServicePorts, ServiceSettings } from '../ports.ts';
import { listGrantIds } from '../state/grant-entry.ts';
import { keepBriefly } from './keep-briefly.ts';

interface Ports extends Pick<ServicePorts, 'grants' | 'table' | 'runtime'> {
  readonly settings: () => Pick<ServiceSettings, 'cssAccount'>;
}

/** What lets this service show a dataset to consumers now; where that does not suffice, the chain is asked again. */
export type GrantReader = (
  dataset: DatasetId,
  suffices: (granted: readonly GrantTerms[]) => boolean,
  signal: AbortSignal,
) => Promise<GrantTerms[]>;

interface Sighting {
  readonly final: Grant | null;
  readonly latest: Grant | null;
}

/**
 * Grants count once they are accepted by the final chain, and until they are over or revoked by the latest one; what is
 * read is kept at most 15 s (specification#rights).
 * @throws LedgerUnavailableError when the chain does not answer
 */
export function createGrantReader(ports: Ports): GrantReader {
  const read = keepBriefly<DatasetId, Sighting[]>(
    (dataset, signal) => readSightings(ports, dataset, signal),
    ports.runtime,
  );
  const granted = (dataset: DatasetId, sightings: readonly Sighting[]) =>
    sightings.flatMap((sighting) => termsNow(ports, dataset, sighting) ?? []);
  return async (dataset, suffices, signal) =>
    granted(dataset, await read(dataset, (sightings) => suffices(granted(dataset, sightings)), signal));
}

async function readSightings({ grants, table }: Ports, dataset: DatasetId, signal?: AbortSignal): Promise<Sighting[]> {
  if (grants === null) return [];
  const ids = await listGrantIds(table, dataset, signal);
  if (ids.length === 0) return [];
  const [final, latest] = await Promise.all([
    grants.readGrants(ids, 'final', signal),
    grants.readGrants(ids, 'latest', signal),
  ]);
  return ids.map((_, i) => ({ final: final.grants[i] ?? null, latest: latest.grants[i] ?? null }));
}

function termsNow({ settings, runtime }: Ports, dataset: DatasetId, { final, latest }: Sighting): GrantTerms | null {
  const account = settings().cssAccount?.toLowerCase();
  if (final === null || latest === null || account === undefined) return null;
  const counts = (grant: Grant) =>
    grant.state === 'accepted' && !grant.revoked && runtime.nowMs() < 1000 * grant.endSeconds;
  const { terms } = final;
  return counts(final) && counts(latest) && terms.dataset === dataset && terms.css.toLowerCase() === account
    ? terms
    : null;
}
