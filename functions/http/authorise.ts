import type { Address, DatasetId } from '../../core/ids.ts';
import type { Parties } from '../../core/ports/ledger.ts';
import type { ServicePorts } from '../ports.ts';
import type { Caller } from '../table.ts';
import { Problem } from './problem.ts';
import { createPartiesReader } from './read-parties.ts';

/**
 * Lets the wanted parties of a dataset in, by the chain alone; when it cannot be read, nobody.
 * @throws Problem when the caller is none of them, LedgerUnavailableError when the chain does not answer
 */
export function createAuthoriser(
  ports: Pick<ServicePorts, 'ledger' | 'nowMs'>,
  wanted: readonly Caller[] | 'anyone',
): (subject: { dataset: DatasetId }, caller: Address | null, signal: AbortSignal) => Promise<Parties | null> {
  if (wanted === 'anyone') return async () => null;
  const readParties = createPartiesReader(ports);
  return async ({ dataset }, caller, signal) => {
    const isWanted = (parties: Parties | null) =>
      parties !== null && caller !== null && wanted.some((role) => parties[role].toLowerCase() === caller);
    const parties = await readParties(dataset, isWanted, signal);
    if (parties === null) throw new Problem('/problems/not-found', 'No such dataset has been opened on this chain.');
    if (!isWanted(parties)) {
      throw new Problem('/problems/forbidden', `Only the dataset's ${wanted.join(' or ')} may do this.`);
    }
    return parties;
  };
}
