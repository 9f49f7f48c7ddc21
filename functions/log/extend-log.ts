import type { DatasetId } from '../../core/ids.ts';
import type { ServicePorts } from '../ports.ts';
import { type LogEntry, segmentSk } from '../state/entries.ts';
import { readLogEnd, readLogEntry } from '../state/log-entry.ts';
import { isReadable, querySegments } from '../state/segment-entry.ts';
import { placeAlone } from './place-alone.ts';

type Ports = Pick<ServicePorts, 'primitives' | 'table'>;

// A device may sign as many rivals for one place as it likes; nobody waits for all of them.
const MAX_RIVALS = 64;

/** Appends stored segments to the end of the log as long as one follows. Also to be called when the log was rewritten. */
export async function extendLog(ports: Ports, dataset: DatasetId, signal?: AbortSignal): Promise<void> {
  let end = await readLogEnd(ports.table, dataset, signal);
  for (;;) {
    const next = await placeSuccessor(ports, dataset, end, signal);
    if (next === null) return;
    end = next;
  }
}

/** Appends the first segment that fits behind `end`; null when none does. */
async function placeSuccessor(
  ports: Ports,
  dataset: DatasetId,
  end: LogEntry | null,
  signal?: AbortSignal,
): Promise<LogEntry | null> {
  const first = end === null ? 0 : end.first + end.count;
  const batches = (end?.batches ?? 0) + 1;
  const range = { from: segmentSk(first, ''), to: segmentSk(first, 'g'), limit: MAX_RIVALS };
  const { entries } = await querySegments(ports.table, dataset, range, signal);
  const candidates = entries
    .filter((entry) => entry.headBatches === batches && (entry.state === 'received' || entry.rejection === 'root'))
    .sort((a, b) => a.receivedAtMs - b.receivedAtMs);
  for (const candidate of candidates) {
    if (!isReadable(candidate) || (await placeAlone(ports, dataset, candidate, signal)) !== 'placed') continue;
    return readLogEntry(ports.table, dataset, batches, signal);
  }
  return null;
}
