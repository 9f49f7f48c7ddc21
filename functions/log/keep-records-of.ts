import type { DatasetId } from '../../core/ids.ts';
import { keepRecords } from '../state/records-entry.ts';
import type { Segment } from './find-path.ts';
import type { GrowingPorts } from './growing-ports.ts';
import { readManifest } from './read-manifest.ts';

/** Keeps the records of a segment that takes its place in the log; false when its object is lost or damaged. */
export async function keepRecordsOf(
  ports: GrowingPorts,
  dataset: DatasetId,
  segment: Segment,
  signal?: AbortSignal,
): Promise<boolean> {
  const manifest = await readManifest(ports, dataset, segment, signal);
  if (manifest === null) return false;
  await keepRecords(ports, dataset, segment.sha256Hex, manifest, signal);
  return true;
}
