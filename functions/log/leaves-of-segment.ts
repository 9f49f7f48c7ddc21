import type { DatasetId } from '../../core/ids.ts';
import { leafHash } from '../../core/log/merkle.ts';
import { recordHash } from '../../core/log/record.ts';
import type { RecordsEntry } from '../state/entries.ts';
import { readRecordsOf, recordsIn } from '../state/records-entry.ts';
import type { Segment } from './find-path.ts';
import type { LogPorts } from './log-ports.ts';
import { readManifest } from './read-manifest.ts';

/** What a batch's records hash to. */
export interface SegmentLeaves {
  readonly leaves: readonly Uint8Array[];
  /** Its records, where the table alone has them still; null where its manifest does. */
  readonly onlyRecords: readonly RecordsEntry[] | null;
}

/** Leaf hashes of all of a batch, from its manifest or, where that is gone, from what the table keeps; null where nothing does. */
export async function leavesOfSegment(
  ports: LogPorts,
  dataset: DatasetId,
  segment: Segment,
  signal?: AbortSignal,
): Promise<SegmentLeaves | null> {
  const { primitives } = ports;
  const manifest = await readManifest(ports, dataset, segment, signal);
  if (manifest !== null) {
    return { leaves: manifest.blocks.map(({ record }) => recordHash(primitives, record)), onlyRecords: null };
  }
  const entries = await readRecordsOf(ports, dataset, segment, signal);
  if (entries === null) return null;
  return {
    leaves: entries.flatMap((entry) => recordsIn(entry).map((record) => leafHash(primitives, record))),
    onlyRecords: entries,
  };
}
