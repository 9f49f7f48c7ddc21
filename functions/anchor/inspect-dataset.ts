import { equalBytes } from '../../core/bytes.ts';
import type { DatasetId } from '../../core/ids.ts';
import { extendLog } from '../log/extend-log.ts';
import { growTiles } from '../log/grow-tiles.ts';
import { readDatasetEntry } from '../state/dataset-entry.ts';
import { readLogEnd } from '../state/log-entry.ts';
import { forgetMark } from '../state/work-marks.ts';
import type { AnchorPorts } from './anchor-ports.ts';
import type { Found, Work } from './dataset-work.ts';
import { findMovedHead } from './find-moved-head.ts';
import { followChain } from './follow-chain.ts';
import { gatherPending } from './gather-pending.ts';
import { measureLag } from './measure-lag.ts';
import { scanRecorded } from './scan-recorded.ts';
import { resumeDataset } from './suspend-dataset.ts';

/**
 * Settles a dataset that is final, lets its log follow the chain where that went another way, and answers with what is to be
 * recorded or anchored; null when nothing is.
 */
export async function inspectDataset(
  ports: AnchorPorts,
  work: Work,
  covered: ReadonlySet<DatasetId>,
  isMeasured: boolean,
  signal?: AbortSignal,
): Promise<Found | null> {
  const { table } = ports;
  const { dataset, latest, final } = work;
  const entry = await readDatasetEntry(table, dataset, signal);
  // Before the log is looked at: where blocks are missing, it goes on by what was recorded.
  const scanned = await scanRecorded(ports, dataset, entry, final, signal);
  if (!(await followChain(ports, work, scanned, signal))) return null;
  // What waited for its predecessor, and no check-in has taken in yet.
  const { more } = await extendLog(ports, dataset, signal);
  const end = await readLogEnd(table, dataset, signal);
  if (end === null) return null;
  if (work.parties.anchorer === ports.recorder.account) {
    return { kind: 'round', moved: await findMovedHead(ports, work, { end, tiledTo: entry.tiledTo, more }, signal) };
  }
  const isTiled = !(await growTiles(ports, dataset, final.head.size, entry.tiledTo, signal));
  if (work.parties.anchorer !== null && work.parties.unsent !== null) {
    // Another's to anchor, and its owner's to bring to the chain: until one of them changes, there is nothing to do here.
    const { device, anchorer } = work.parties;
    ports.observer.warn('its charter names another anchorer: this service neither anchors nor records it', {
      ...{ dataset, size: end.size, device, anchorer, ours: ports.recorder.account },
      remedy: 'its owner runs plumb dataset anchor --elsewhere',
    });
    ports.observer.count('Anchor.elsewhere');
    if (isTiled && !more) await forgetMark(table, work.mark, signal);
    return null;
  }
  if (final.head.size === end.size && equalBytes(final.head.root, end.root)) {
    if (entry.suspendedAtSize !== undefined) await resumeDataset(ports, dataset, signal);
    // Kept when a batch was placed after the item was read: its version is another, then.
    if (scanned && isTiled && !more) await forgetMark(table, work.mark, signal);
    return null;
  }
  const isOurs = entry.direct !== true && (entry.unpaid ?? null) === null;
  if (isMeasured && isOurs) await measureLag(ports, dataset, final.head, signal);
  if (end.size <= latest.size || covered.has(dataset) || entry.direct === true) return null;
  const pending = await gatherPending(ports, work, end, entry.unpaid ?? null, signal);
  if (pending === null) return null;
  if (entry.suspendedAtSize === undefined) return { kind: 'record', pending };
  const refused = entry.suspendedAtSize === latest.size && entry.suspendedUpTo === pending.update.size;
  if (!refused) await resumeDataset(ports, dataset, signal);
  return refused ? null : { kind: 'record', pending };
}
