import { equalBytes } from '../../core/bytes.ts';
import type { DatasetId } from '../../core/ids.ts';
import { appendLeaf, frontierRoot } from '../../core/log/frontier.ts';
import type { Head } from '../../core/log/head.ts';
import { pointAfter } from '../log/append-segment.ts';
import type { LogEntry, Unpaid } from '../state/entries.ts';
import { leafHashOf, queryLog, readLogEntry } from '../state/log-entry.ts';
import { readSegmentEntry } from '../state/segment-entry.ts';
import type { AnchorPorts } from './anchor-ports.ts';
import type { Pending } from './build-update.ts';
import type { Work } from './dataset-work.ts';

/** More never fit one transaction. */
const MAX_PENDING_BATCHES = 1900;

/** What of the log up to `end` is to be recorded now behind the chain's head; null when nothing is. */
export async function gatherPending(
  ports: AnchorPorts,
  { dataset, parties, latest, onlyPaid }: Work,
  end: LogEntry,
  unpaid: Unpaid | null,
  signal?: AbortSignal,
): Promise<Pending | null> {
  const from = latest.batches + 1;
  const to = Math.min(end.batches, latest.batches + MAX_PENDING_BATCHES);
  const entries = await queryLog(ports.table, dataset, from, to, signal);
  const last = entries.findLastIndex((entry) => entry.signer === parties.device);
  const pending = entries.slice(0, last + 1);
  const before = latest.batches === 0 ? null : await readLogEntry(ports.table, dataset, latest.batches, signal);
  if (pending.length === 0 || !followsOn(ports, dataset, latest, before, pending)) return null;
  if (!(await isDue(ports, dataset, pending[0] as LogEntry, signal))) return null;
  return { dataset, batches: latest.batches, device: parties.device, onlyPaid, unpaid, entries: pending };
}

/** Whether these entries lead on from the chain's head. While the log is being rewritten, what was read may be of two. */
function followsOn(
  { primitives }: AnchorPorts,
  dataset: DatasetId,
  latest: Head,
  before: LogEntry | null,
  entries: readonly LogEntry[],
): boolean {
  let { frontier } = pointAfter(before);
  if (!equalBytes(frontierRoot(primitives, frontier), latest.root)) return false;
  for (const entry of entries) frontier = appendLeaf(primitives, frontier, leafHashOf(primitives, dataset, entry));
  return equalBytes(frontierRoot(primitives, frontier), (entries.at(-1) as LogEntry).root);
}

async function isDue(
  { table, runtime, settings }: AnchorPorts,
  dataset: DatasetId,
  oldest: LogEntry,
  signal?: AbortSignal,
): Promise<boolean> {
  const { recordEveryMs = 0 } = settings();
  if (recordEveryMs === 0) return true;
  const segment = await readSegmentEntry(table, dataset, oldest, signal);
  return segment === null || runtime.nowMs() - segment.receivedAtMs >= recordEveryMs;
}
