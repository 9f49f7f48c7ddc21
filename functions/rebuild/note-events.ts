import type { DatasetId } from '../../core/ids.ts';
import type { ChainPoint } from '../../core/ports/ledger.ts';
import { noteRecorded } from '../anchor/scan-recorded.ts';
import type { ServicePorts } from '../ports.ts';
import { changeDatasetEntry } from '../state/dataset-entry.ts';
import { datasetPk, recordedSk } from '../state/entries.ts';
import { queryPages } from '../state/query-pages.ts';

/** Notes all that the final chain has recorded of a dataset, and removes whatever else stands there. */
export async function noteEvents(
  {
    table,
    ledger,
    settings,
  }: Pick<ServicePorts, 'table' | 'ledger'> & {
    readonly settings: () => Pick<ReturnType<ServicePorts['settings']>, 'fromBlock'>;
  },
  dataset: DatasetId,
  { blockNumber }: ChainPoint,
  signal?: AbortSignal,
): Promise<void> {
  const places = new Set<string>();
  for (const event of await ledger.findRecorded(dataset, settings().fromBlock, blockNumber, signal)) {
    await noteRecorded(table, dataset, event, signal);
    places.add(recordedSk(event.size));
  }
  const range = { from: recordedSk(0), to: recordedSk(Number.MAX_SAFE_INTEGER) };
  for await (const items of queryPages(table, datasetPk(dataset), range, signal)) {
    for (const { sk, blockNumber: at } of items) {
      // What the anchor has noted meanwhile stands in a later block.
      const isLater = typeof at === 'number' && at > blockNumber;
      if (!places.has(sk) && !isLater) await table.delete(datasetPk(dataset), sk, 'any', signal);
    }
  }
  await changeDatasetEntry(
    table,
    dataset,
    (entry) => ((entry.scannedToBlock ?? -1) >= blockNumber ? null : { ...entry, scannedToBlock: blockNumber }),
    signal,
  );
}
