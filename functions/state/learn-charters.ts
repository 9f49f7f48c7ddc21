import { datasetOfCharter, type SignedCharter } from '../../core/charter/charter.ts';
import type { DatasetId } from '../../core/ids.ts';
import type { ChainDevice } from '../../core/ports/ledger.ts';
import type { ServicePorts, ServiceSettings } from '../ports.ts';
import { type KeptCharter, keepCharter, readCharterEntries } from './dataset-entry.ts';

/** What it takes to know a dataset's charters. */
export interface CharterPorts extends Pick<ServicePorts, 'table' | 'ledger'> {
  readonly settings: () => Pick<ServiceSettings, 'fromBlock'>;
}

/**
 * The charters that count, those of the chain among them: where DISSC has one that is not kept here, its events are read, and
 * what they say is kept.
 * @param onChain the device by the chain, which was just read
 * @throws LedgerUnavailableError when the events are needed and the chain does not answer
 */
export async function learnCharters(
  ports: CharterPorts,
  dataset: DatasetId,
  onChain: ChainDevice | null,
  signal?: AbortSignal,
): Promise<KeptCharter[]> {
  const kept = await readCharterEntries(ports.table, dataset, signal);
  const isKnown =
    onChain === null || kept.some(({ charter, onChain: has }) => has && charter.serial === onChain.serial);
  if (isKnown) return kept;
  for (const charter of await readChainCharters(ports, dataset, signal)) {
    await keepCharter(ports.table, dataset, { charter, onChain: true }, signal);
  }
  return readCharterEntries(ports.table, dataset, signal);
}

/** The charters that DISSC has accepted, by its events: without signatures, which only the calls carried. */
export async function readChainCharters(
  { ledger, settings }: Pick<CharterPorts, 'ledger' | 'settings'>,
  dataset: DatasetId,
  signal?: AbortSignal,
): Promise<SignedCharter[]> {
  const { point } = await ledger.readDevices([dataset], 'latest', signal);
  const events = await ledger.findChartered({ dataset }, settings().fromBlock, point.blockNumber, signal);
  return events
    .map(({ charter }) => ({ ...charter, signature: null }))
    .filter((charter) => datasetOfCharter(ledger.domain, charter) === dataset);
}
