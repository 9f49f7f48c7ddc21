import type { Terms } from '../core/agreement/terms.ts';
import { eachInParallel } from '../core/each-in-parallel.ts';
import type { DatasetId } from '../core/ids.ts';
import type { GrantId, GrantTerms } from '../core/ports/grants.ts';
import type { Connection } from './connection.ts';
import { newestPoint, openGrants } from './open-contracts.ts';

/** What a storage may serve to consumers. */
export type ServedProtocol = 'III' | 'IV';

const DATASETS_AT_ONCE = 8;
/** Of one dataset, the newest: who proposes more than that is not waited for. */
const MAX_PROPOSED = 16;

/**
 * Table IV step 2: which protocols a storage may serve for these blocks, as far as ASC says; null where its address is not
 * known. Each dataset is looked up once, whatever number of offers there is of it.
 * @throws LedgerUnavailableError when the chain cannot be read
 */
export async function readServed(
  connection: Connection,
  datasets: readonly DatasetId[],
  signal: AbortSignal,
): Promise<(range: Pick<Terms, 'dataset' | 'first' | 'count'>) => readonly ServedProtocol[] | null> {
  if (connection.asc === null) return () => null;
  const ledger = openGrants(connection);
  const { blockNumber } = await newestPoint(connection, signal);
  const proposed: GrantId[] = [];
  await eachInParallel([...new Set(datasets)], DATASETS_AT_ONCE, async (dataset) => {
    const found = await ledger.findProposed({ dataset }, connection.fromBlock, blockNumber, signal);
    proposed.push(...found.slice(-MAX_PROPOSED).map(({ id }) => id));
  });
  const { grants } = await ledger.readGrants(proposed, 'latest', signal);
  const current = grants.flatMap((grant) =>
    grant !== null && grant.state === 'accepted' && !grant.revoked ? [grant.terms] : [],
  );
  return ({ dataset, first, count }) => {
    const covers = (grant: GrantTerms): boolean =>
      grant.dataset === dataset && grant.first <= first && grant.first + grant.count >= first + count;
    const covering = current.filter(covers);
    return [
      ...(covering.some(({ digests }) => digests) ? (['III'] as const) : []),
      ...(covering.some(({ blocks }) => blocks) ? (['IV'] as const) : []),
    ];
  };
}
