import type { SignedCharter } from '../../core/charter/charter.ts';
import { ProofError, StateError } from '../../core/errors.ts';
import type { DatasetId, LogRoot } from '../../core/ids.ts';
import { type Growth, requireBoundedGrowth } from '../../core/log/growth.ts';
import { appendedSubtrees } from '../../core/log/subtrees.ts';
import { readLog } from '../log/open-log.ts';
import type { LogEntry, Unpaid } from '../state/entries.ts';
import { findLogEntry, peaksAfter, readLogEntry } from '../state/log-entry.ts';
import type { AnchorPorts } from './anchor-ports.ts';
import type { Work } from './dataset-work.ts';
import { findNewestHead, type SignedEntry } from './newest-head.ts';
import type { Pending } from './pending.ts';
import { readReceived } from './read-received.ts';

/** DISSC reverts for charters that are signed further ahead of its block. */
const CHARTER_AHEAD_SECONDS = 86_400;

/** The update that brings the chain's head up to the stored log's; null when nothing is to be recorded now. */
export async function gatherPending(
  ports: AnchorPorts,
  work: Work,
  end: LogEntry,
  unpaid: Unpaid | null,
  signal?: AbortSignal,
): Promise<Pending | null> {
  const { dataset, parties, latest, onlyPaid } = work;
  const { device, unsent } = parties;
  const head = await findNewestHead(ports.table, dataset, { recordedSize: latest.size, device }, end, signal);
  if (head === null) return null;
  if (!mayBeSent(unsent, work)) {
    const { serial, signature } = unsent as SignedCharter;
    const fields = { dataset, serial, signed: signature !== null };
    ports.observer.warn('not recorded before its owner has sent the charter to the chain', fields);
    return null;
  }
  if (!(await isDue(ports, dataset, latest.size, signal))) return null;
  const growth = await growTo(ports, work, { head, end }, signal);
  if (growth === null) return null;
  const { size, root, signature } = head;
  const { peaks, appended } = growth;
  const update = { dataset, size, root: root as LogRoot, signature, peaks, appended };
  return { dataset, recordedSize: latest.size, device, onlyPaid, unpaid, update, charter: unsent };
}

/** Whether anybody may send this charter to DISSC, now. */
function mayBeSent(charter: SignedCharter | null, { final }: Work): boolean {
  if (charter === null) return true;
  const isAhead = charter.serial > final.point.timestampMs / 1000 + CHARTER_AHEAD_SECONDS;
  return charter.signature !== null && !isAhead;
}

/** How the log grows from the chain's head; null where it cannot be read, or is being rewritten. */
async function growTo(
  ports: AnchorPorts,
  { dataset, latest }: Work,
  { head, end }: { readonly head: SignedEntry; readonly end: LogEntry },
  signal?: AbortSignal,
): Promise<Growth | null> {
  const { primitives, table, observer } = ports;
  const [from, to] = [latest.size, head.size];
  try {
    const recorded = await readLogEntry(table, dataset, from, signal);
    const { subtrees } = readLog(ports, dataset, end, signal);
    const growth = {
      from,
      to,
      peaks: peaksAfter(recorded).peaks,
      appended: await subtrees(appendedSubtrees(from, to)),
    };
    requireBoundedGrowth(primitives, latest, { size: to, root: head.root as LogRoot }, growth);
    return growth;
  } catch (error) {
    // What was read was of two logs: the next run reads one.
    if (error instanceof ProofError) return null;
    if (!(error instanceof StateError)) throw error;
    observer.error('the log cannot be read from the recorded head to the stored one', {
      dataset,
      recordedSize: from,
      size: to,
      error,
    });
    observer.count('Anchor.logUnreadable');
    return null;
  }
}

async function isDue(
  ports: AnchorPorts,
  dataset: DatasetId,
  recordedSize: number,
  signal?: AbortSignal,
): Promise<boolean> {
  const { recordEveryMs = 0 } = ports.settings();
  if (recordEveryMs === 0) return true;
  const oldest = await findLogEntry(ports.table, dataset, recordedSize, signal);
  const receivedAtMs = await readReceived(ports.table, dataset, oldest, signal);
  return receivedAtMs === null || ports.runtime.nowMs() - receivedAtMs >= recordEveryMs;
}
