import type { DatasetId } from '../../core/ids.ts';
import type { ServicePorts } from '../ports.ts';
import { readDatasetEntry } from '../state/dataset-entry.ts';
import type { ReadableSegment, StoredSegment } from '../state/segment-entry.ts';
import { extendLog } from './extend-log.ts';
import { type Placement, placeAlone } from './place-alone.ts';

/**
 * Puts a verified segment into the dataset's log, and behind it whatever was waiting for it. Acts on state alone, so it
 * may be repeated, raced and cut off anywhere.
 */
export async function placeSegment(
  ports: Pick<ServicePorts, 'primitives' | 'table'>,
  dataset: DatasetId,
  segment: StoredSegment & ReadableSegment,
  signal?: AbortSignal,
): Promise<Placement> {
  const placement = await placeAlone(ports, dataset, segment, signal);
  if (placement !== 'placed') return placement;
  // Read after the log was written; whoever waits writes this entry before it looks at the log once more.
  const { waitingUntil = 0 } = await readDatasetEntry(ports.table, dataset, signal);
  if (waitingUntil > segment.headBatches) await extendLog(ports, dataset, signal);
  return placement;
}
