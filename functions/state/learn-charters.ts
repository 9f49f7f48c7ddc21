import { datasetOfCharter, type SignedCharter } from '../../core/charter/charter.ts';
import type { DatasetId } from '../../core/ids.ts';
import type { ChainCharter, ChainDevice } from '../../core/ports/ledger.ts';
import type { Table } from '../../core/ports/table.ts';
import type { ServicePorts, ServiceSettings } from '../ports.ts';
import { type KeptCharter, keepCharter, readCharterEntries } from './dataset-entry.ts';

/** What it takes to know a dataset's charters. */
export interface CharterPorts extends Pick<ServicePorts, 'table' | 'ledger'> {
  readonly settings: () => Pick<ServiceSettings, 'fromBlock'>;
}

/** What a handler may remember of charters. */
export interface CharterMemory {
  get(dataset: DatasetId): readonly KeptCharter[] | undefined;
  set(dataset: DatasetId, charters: readonly KeptCharter[]): void;
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
  memory?: CharterMemory,
): Promise<readonly KeptCharter[]> {
  const remembered = memory?.get(dataset) ?? [];
  if (isComplete(remembered, onChain)) return remembered;
  const kept = await readCharterEntries(ports.table, dataset, signal);
  if (isComplete(kept, onChain)) {
    memory?.set(dataset, kept);
    return kept;
  }
  // Nothing is kept, and the chain has none.
  if (onChain === null) return kept;
  for (const charter of await readChainCharters(ports, dataset, signal)) {
    await keepCharter(ports.table, dataset, { charter, onChain: true }, signal);
  }
  return readCharterEntries(ports.table, dataset, signal);
}

/**
 * Keeps those of a dataset's charters on the chain that are not known to be there.
 * @returns how many they were
 */
export async function keepChartered(
  table: Table,
  dataset: DatasetId,
  events: readonly ChainCharter[],
  known: readonly KeptCharter[],
  signal?: AbortSignal,
): Promise<number> {
  const unknown = events.filter(
    ({ charter }) => !known.some((one) => one.onChain && one.charter.serial === charter.serial),
  );
  for (const { charter } of unknown) {
    await keepCharter(table, dataset, { charter: { ...charter, signature: null }, onChain: true }, signal);
  }
  return unknown.length;
}

/** Whether these are all that count: one at least, and the newest of the chain among them. */
function isComplete(charters: readonly KeptCharter[], onChain: ChainDevice | null): boolean {
  return (
    charters.length > 0 &&
    (onChain === null || charters.some((one) => one.onChain && one.charter.serial === onChain.serial))
  );
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
