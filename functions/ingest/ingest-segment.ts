import { parseSegmentKey } from '../../core/batch/segment-key.ts';
import { anchorerOf } from '../../core/charter/charter.ts';
import type { Address, LogRoot } from '../../core/ids.ts';
import { fillGapAt } from '../log/fill-gap.ts';
import { type Placement, placeSegment } from '../log/place-segment.ts';
import type { ServicePorts } from '../ports.ts';
import { markHead } from '../state/head-mark.ts';
import { isReadable } from '../state/segment-entry.ts';
import { markWork } from '../state/work-marks.ts';
import { checkIn } from './check-in.ts';
import { indexSegment } from './index-segment.ts';
import type { InspectPorts } from './inspect-segment.ts';
import type { SegmentMemory } from './segment-memory.ts';

/** `foreign`: no segment's name. `gone`: no such object any more. */
export type Ingested = Placement | 'foreign' | 'gone';

/** What checking in takes: it reads objects, writes the table, asks the chain and wakes the anchor. */
export interface IngestPorts extends InspectPorts, Pick<ServicePorts, 'anchorQueue'> {
  readonly memory: SegmentMemory;
}

/**
 * Checks a stored segment in (specification#checking-in): verifies all of it, indexes it, puts it into the log, wakes the
 * anchor. Acts on state, so the same event may come twice, late, in any order, or again after a crash at any point.
 *
 * A segment that was verified once is not judged again: its device may have been replaced since, and its bytes be damaged;
 * neither unmakes its place in the log.
 */
export async function ingestSegment(ports: IngestPorts, key: string, signal?: AbortSignal): Promise<Ingested> {
  const name = parseSegmentKey(key);
  if (name === null) return 'foreign';
  const checkedIn = await checkIn(ports, key, name, signal);
  if (checkedIn === null) return 'gone';
  const { stored, manifest, charter } = checkedIn;
  if (!isReadable(stored)) return 'rejected';
  await indexSegment(ports, name.dataset, stored, signal);
  // Findable all the same: should the chain vouch for it, it is let in later; where the log has the chain's word alone, at once.
  if (stored.state === 'rejected' && stored.rejection !== 'root') {
    if (!(await fillGapAt(ports, name.dataset, stored.first, signal))) return 'rejected';
  }
  const { placement, before } = await placeSegment(ports, name.dataset, stored, manifest, signal);
  if (before !== null && charter !== null && anchorerOf(charter.charter) !== null) {
    // What stands in rounds, and has grown by this one batch: the anchor need not look at its log.
    const { headSize: size, headRoot, serial, signature, signer } = stored;
    const head = { dataset: name.dataset, size, root: headRoot as LogRoot, serial, signature };
    const inForce = { ...charter.charter, onChain: charter.onChain };
    await markHead(
      ports.table,
      ports.primitives,
      { head, signer: signer as Address, before, charter: inForce },
      signal,
    );
    await ports.anchorQueue.wake('head', signal);
    return placement;
  }
  // Whatever waits behind it and was not taken in now, the anchor takes in. Where it does not follow on the log, the chain may
  // have gone another way: that, too, is for the anchor to see.
  await markWork(ports.table, name.dataset, signal, ports.memory.marks);
  await ports.anchorQueue.wake('look', signal);
  return placement;
}
