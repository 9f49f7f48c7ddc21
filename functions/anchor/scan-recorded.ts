import { concatBytes } from '../../core/bytes.ts';
import type { DatasetId } from '../../core/ids.ts';
import type { Head } from '../../core/log/head.ts';
import type { ChainPoint, RecordedEvent } from '../../core/ports/ledger.ts';
import type { Table } from '../../core/ports/table.ts';
import { changeDatasetEntry } from '../state/dataset-entry.ts';
import { type DatasetEntry, datasetPk, type RecordedEntry, recordedSk } from '../state/entries.ts';
import type { AnchorPorts } from './anchor-ports.ts';

/** One scan asks for no more, so that a long-silent dataset does not take all of a run's time. */
const MAX_BLOCKS = 50_000;

/**
 * Notes which transactions recorded what, from the final chain alone, as far as it has not been read yet. True when everything
 * up to the final head is noted.
 */
export async function scanRecorded(
  { table, ledger, observer, anchorSettings }: AnchorPorts,
  dataset: DatasetId,
  entry: DatasetEntry,
  final: { readonly head: Head; readonly point: ChainPoint },
  signal?: AbortSignal,
): Promise<boolean> {
  const { blockNumber } = final.point;
  const noteScanned = (scannedToBlock: number) =>
    changeDatasetEntry(
      table,
      dataset,
      (known) => ((known.scannedToBlock ?? -1) >= scannedToBlock ? null : { ...known, scannedToBlock }),
      signal,
    );
  if (final.head.size === 0) {
    // Nothing can be found so far back, then: the first scan begins here.
    if (entry.scannedToBlock === undefined && blockNumber > 0) await noteScanned(blockNumber);
    return true;
  }
  const newest = { from: recordedSk(0), to: recordedSk(Number.MAX_SAFE_INTEGER), limit: 1, reverse: true };
  const [last] = (await table.query(datasetPk(dataset), newest, signal)).items;
  if (last !== undefined && (last.size as number) >= final.head.size) return true;

  let noted = (last?.size ?? 0) as number;
  const fromBlock = Math.max(anchorSettings.fromBlock, (entry.scannedToBlock ?? -1) + 1);
  const toBlock = Math.min(blockNumber, fromBlock + MAX_BLOCKS - 1);
  for (const event of await ledger.findRecorded(dataset, fromBlock, toBlock, signal)) {
    await noteRecorded(table, dataset, event, signal);
    noted = event.size;
  }
  await noteScanned(toBlock);
  if (toBlock < blockNumber) return false;
  if (noted >= final.head.size) return true;
  // What was noted is lost, or the node does not have all events: the next run looks from the beginning.
  observer.warn('events of recorded blocks are missing: the scan begins again', {
    dataset,
    size: noted,
    recordedSize: final.head.size,
  });
  const forget = ({ scannedToBlock: _, ...known }: DatasetEntry) => known;
  await changeDatasetEntry(table, dataset, forget, signal);
  return false;
}

/** Notes which transaction recorded what. */
export async function noteRecorded(
  table: Table,
  dataset: DatasetId,
  { size, root, appended, txHash, blockNumber, signer }: RecordedEvent,
  signal?: AbortSignal,
): Promise<void> {
  const recorded: RecordedEntry = { size, root, appended: concatBytes(...appended), txHash, blockNumber, signer };
  await table.put({ pk: datasetPk(dataset), sk: recordedSk(size), ...recorded }, 'any', signal);
}
