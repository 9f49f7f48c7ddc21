import type { DatasetId, LogRoot } from '../../core/ids.ts';
import type { ChainGrowth } from '../log/adopt-chain-log.ts';
import { datasetPk, type RecordedEntry, recordedSk } from '../state/entries.ts';
import { splitHashes } from '../state/log-entry.ts';
import { queryPages } from '../state/query-pages.ts';
import type { AnchorPorts } from './anchor-ports.ts';
import type { Work } from './dataset-work.ts';

/**
 * All that the chain has recorded of a dataset, oldest first: what is final as it was noted, the rest as the chain has it. While
 * not all that is final is noted, what is noted alone: there is no hole in it.
 */
export async function findEvents(
  { table, ledger }: Pick<AnchorPorts, 'table' | 'ledger'>,
  { dataset, latestBlock, final }: Pick<Work, 'dataset' | 'latestBlock' | 'final'>,
  isAllNoted: boolean,
  signal?: AbortSignal,
): Promise<ChainGrowth[]> {
  const events = await readNoted({ table }, dataset, signal);
  const { blockNumber } = final.point;
  if (!isAllNoted || latestBlock <= blockNumber) return events;
  for (const { size, root, appended, signer } of await ledger.findRecorded(
    dataset,
    blockNumber + 1,
    latestBlock,
    signal,
  )) {
    events.push({ size, root, appended, signer, final: false });
  }
  return events;
}

async function readNoted(
  { table }: Pick<AnchorPorts, 'table'>,
  dataset: DatasetId,
  signal?: AbortSignal,
): Promise<ChainGrowth[]> {
  const events: ChainGrowth[] = [];
  const range = { from: recordedSk(0), to: recordedSk(Number.MAX_SAFE_INTEGER) };
  for await (const items of queryPages(table, datasetPk(dataset), range, signal)) {
    for (const item of items) {
      const { size, root, appended, signer } = item as unknown as RecordedEntry;
      events.push({ size, root: root as LogRoot, appended: splitHashes(appended), signer, final: true });
    }
  }
  return events;
}
