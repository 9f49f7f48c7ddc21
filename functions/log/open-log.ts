import type { DatasetId, LogRoot } from '../../core/ids.ts';
import type { SignedHead } from '../../core/log/head.ts';
import { mendSubtrees } from '../../core/log/mend-subtrees.ts';
import type { Peaks } from '../../core/log/peaks.ts';
import type { LogReader } from '../../core/log/subtree-source.ts';
import type { LogEntry } from '../state/entries.ts';
import { peaksAfter, readLogEnd } from '../state/log-entry.ts';
import type { LogPorts } from './log-ports.ts';
import { RecordsReader } from './records-reader.ts';
import { subtreesOfEntry } from './subtrees-of-entry.ts';
import { subtreesOfGaps } from './subtrees-of-gaps.ts';
import { subtreesOfStored } from './subtrees-of-stored.ts';

/** A dataset's log as this service has verified it, and what proofs up to its end are made with. */
export interface OpenedLog {
  /** Blocks. */
  readonly size: number;
  /** The last entry; null when the log is empty. */
  readonly end: LogEntry | null;
  /** The head at the log's end as its device signed it; null when the log is empty or ends in a gap. */
  readonly head: SignedHead | null;
  readonly peaks: Peaks;
  /**
   * Roots of the log's subtrees: what peaks and the chain's events say, then tiles, then the records kept. Nothing of it is
   * to be believed: compare what is made of it with the roots of entries or of the chain.
   * @throws StateError, when asked, where nobody has the blocks in question
   */
  readonly reader: LogReader;
}

/** Reads a log's end: one read, until the reader is asked. */
export async function openLog(ports: LogPorts, dataset: DatasetId, signal?: AbortSignal): Promise<OpenedLog> {
  const end = await readLogEnd(ports.table, dataset, signal);
  const peaks = peaksAfter(end);
  return { size: peaks.size, end, head: headOf(dataset, end), peaks, reader: readLog(ports, dataset, end, signal) };
}

/** What proofs of a log that ends in this entry are made with. */
export function readLog(
  ports: LogPorts,
  dataset: DatasetId,
  end: LogEntry | null,
  signal?: AbortSignal,
  records = new RecordsReader(ports, dataset, end?.size ?? 0, signal),
): LogReader {
  const { primitives: hasher } = ports;
  const sources = [
    subtreesOfEntry(end),
    ...subtreesOfStored(ports, dataset, records, signal),
    ...((end?.gaps ?? 0) === 0 ? [] : [subtreesOfGaps(ports.table, dataset, signal)]),
  ];
  return { hasher, subtrees: mendSubtrees(hasher, sources) };
}

/** The head that an entry's device has signed; null for none, and for a gap: its signature is not in the chain's event. */
export function headOf(dataset: DatasetId, entry: LogEntry | null): SignedHead | null {
  if (entry === null || entry.signature === null || entry.serial === null) return null;
  const { size, root, serial, signature } = entry;
  return { dataset, size, root: root as LogRoot, serial, signature };
}
