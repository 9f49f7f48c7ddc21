import type { DatasetId } from '../../core/ids.ts';
import { changeDatasetEntry } from '../state/dataset-entry.ts';
import type { AnchorPorts } from './anchor-ports.ts';
import type { Pending } from './pending.ts';

/** Sends nothing more of this dataset until the chain's head has moved, or a newer head of its device is stored. */
export async function suspendDataset(
  { table, observer }: AnchorPorts,
  { dataset, recordedSize, update }: Pending,
  reason: string,
  signal?: AbortSignal,
): Promise<void> {
  observer.error('dataset suspended', { dataset, recordedSize, size: update.size, reason });
  observer.count('Anchor.suspended');
  await changeDatasetEntry(
    table,
    dataset,
    (entry) => ({ ...entry, suspendedAtSize: recordedSize, suspendedUpTo: update.size, suspendedReason: reason }),
    signal,
  );
}

/** Lets a suspended dataset be sent again. */
export function resumeDataset({ table }: AnchorPorts, dataset: DatasetId, signal?: AbortSignal): Promise<unknown> {
  return changeDatasetEntry(
    table,
    dataset,
    ({ suspendedAtSize: _, suspendedReason: __, suspendedUpTo: ___, ...rest }) => rest,
    signal,
  );
}
