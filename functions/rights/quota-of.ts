import type { Address, DatasetId } from '../../core/ids.ts';
import type { GrantId } from '../../core/ports/grants.ts';
import type { ServicePorts, ServiceSettings } from '../ports.ts';
import { listGrantIds } from '../state/grant-entry.ts';
import { mapBounded } from '../state/map-bounded.ts';

interface Ports extends Pick<ServicePorts, 'table' | 'grants' | 'owners'> {
  readonly settings: () => Pick<ServiceSettings, 'grants' | 'cssAccount'>;
}

const PARALLEL = 8;

/**
 * How many stored bytes this service keeps for a dataset's owner; null when it is not served. Served are the owners that
 * the operator has admitted, and, where the policy is open, any owner in a dataset with a grant to this service's account: accepted, finally,
 * and not over.
 * @throws StoreUnavailableError when the owners cannot be read; LedgerUnavailableError when a grant decides it, and the chain cannot be read
 */
export async function quotaOf(
  ports: Ports,
  dataset: DatasetId,
  owner: Address,
  signal?: AbortSignal,
): Promise<number | null> {
  const [quotaBytes = null] = await quotasOf(ports, [{ dataset, owner }], signal);
  return quotaBytes;
}

/** The same for many datasets, with one reading of the chain. */
export async function quotasOf(
  ports: Ports,
  asked: readonly { readonly dataset: DatasetId; readonly owner: Address }[],
  signal?: AbortSignal,
): Promise<(number | null)[]> {
  const { grants: policy } = ports.settings();
  const admitted = await ports.owners.quotasOf(
    asked.map(({ owner }) => owner),
    signal,
  );
  const unknown = asked.filter((_, i) => admitted[i] === null).map(({ dataset }) => dataset);
  const granted =
    unknown.length === 0 || policy.openQuotaBytes === null
      ? new Set<DatasetId>()
      : await findGranted(ports, unknown, signal);
  return asked.map(({ dataset }, i) => admitted[i] ?? (granted.has(dataset) ? policy.openQuotaBytes : null));
}

/** Those of the datasets with a grant that counts. */
async function findGranted(
  { table, grants, settings }: Ports,
  datasets: readonly DatasetId[],
  signal?: AbortSignal,
): Promise<ReadonlySet<DatasetId>> {
  const { cssAccount } = settings();
  if (grants === null || cssAccount === null) return new Set();
  const lists = await mapBounded(datasets, PARALLEL, (dataset) => listGrantIds(table, dataset, signal));
  const ids: GrantId[] = lists.flat();
  if (ids.length === 0) return new Set();
  const { point, grants: found } = await grants.readGrants(ids, 'final', signal);
  const counting = found.filter(
    (grant) =>
      grant?.state === 'accepted' && grant.terms.css === cssAccount && 1000 * grant.endSeconds > point.timestampMs,
  );
  // By the chain's word, not by where its id was kept.
  return new Set(counting.flatMap((grant) => (grant === null ? [] : [grant.terms.dataset])));
}
