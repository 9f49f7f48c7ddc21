import type { Address, DatasetId } from '../../core/ids.ts';
import { DEFAULT_GRANT_POLICY, type ServicePorts } from '../ports.ts';
import { listGrantIds } from '../state/grant-entry.ts';

/**
 * How many stored bytes this service keeps for a dataset's owner; null when it is not served. Served are the owners in the
 * settings, and, where the policy is open, any owner in a dataset with a grant to this service's account: accepted, finally,
 * and not over.
 * @throws LedgerUnavailableError when a grant decides it, and the chain cannot be read
 */
export async function quotaOf(
  { table, grants, settings }: Pick<ServicePorts, 'table' | 'grants' | 'settings'>,
  dataset: DatasetId,
  owner: Address,
  signal?: AbortSignal,
): Promise<number | null> {
  const { owners, cssAccount, grants: policy = DEFAULT_GRANT_POLICY } = settings();
  const quotaBytes = owners.get(owner);
  if (quotaBytes !== undefined) return quotaBytes;
  if (policy.openQuotaBytes === null || grants === undefined || cssAccount === undefined) return null;
  const ids = await listGrantIds(table, dataset, signal);
  if (ids.length === 0) return null;
  const { point, grants: found } = await grants.readGrants(ids, 'final', signal);
  const isServed = found.some(
    (grant) =>
      grant?.state === 'accepted' &&
      grant.terms.css === cssAccount &&
      grant.terms.dataset === dataset &&
      1000 * grant.endSeconds > point.timestampMs,
  );
  return isServed ? policy.openQuotaBytes : null;
}
