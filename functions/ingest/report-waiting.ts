import type { DatasetId } from '../../core/ids.ts';
import { extendLog } from '../log/extend-log.ts';
import type { GrowingPorts } from '../log/growing-ports.ts';
import type { ServicePorts } from '../ports.ts';
import { readLogEnd } from '../state/log-entry.ts';
import { objectKey } from '../state/segment-entry.ts';
import { forgetWaitingMark, readWaiting, readWaitingMarks, type WaitingMark } from '../state/waiting-entry.ts';

interface Ports extends GrowingPorts, Pick<ServicePorts, 'observer'> {
  readonly runtime: Pick<ServicePorts['runtime'], 'monotonicMs' | 'nowMs' | 'sleep' | 'random'>;
}

/** Segments of one device arrive out of order by some seconds: that is nothing to speak of. */
const SPEAK_AFTER_MS = 600_000;

/**
 * Says which segments have been waiting for a batch before them, for which block, and since when; takes in those that nothing
 * holds up any more. One ends its waiting by the batch before it: its device uploads that again when it asks for it, or the
 * reconciliation finds it in the bucket; or by another batch that takes its place in the log.
 * @returns the longest wait, in seconds
 */
export async function reportWaiting(ports: Ports, isSpent: () => boolean, signal?: AbortSignal): Promise<number> {
  let longestMs = 0;
  for await (const mark of readWaitingMarks(ports.table, ports.runtime.random(), signal)) {
    if (isSpent()) break;
    try {
      longestMs = Math.max(longestMs, await reportDataset(ports, mark, signal));
    } catch (error) {
      signal?.throwIfAborted();
      ports.observer.error('waiting segments not looked at', { dataset: mark.dataset, error });
    }
  }
  return Math.floor(longestMs / 1_000);
}

async function reportDataset(ports: Ports, mark: WaitingMark, signal?: AbortSignal): Promise<number> {
  const { table, observer, runtime } = ports;
  const { dataset } = mark;
  const first = await readFirst(ports, dataset, signal);
  if (first === null) {
    await forgetWaitingMark(table, mark, signal);
    return 0;
  }
  const size = (await readLogEnd(table, dataset, signal))?.size ?? 0;
  if (first.first <= size) {
    await extendLog(ports, dataset, signal);
    return 0;
  }
  const waitedMs = Math.max(0, runtime.nowMs() - first.receivedAtMs);
  if (waitedMs < SPEAK_AFTER_MS) return 0;
  const since = new Date(first.receivedAtMs).toISOString();
  observer.warn('a segment waits for the batch before it', {
    ...{ dataset, key: objectKey(dataset, first), waitsFor: size, since },
    waitedSeconds: Math.floor(waitedMs / 1_000),
  });
  return waitedMs;
}

async function readFirst({ table }: Ports, dataset: DatasetId, signal?: AbortSignal) {
  const [first = null] = await readWaiting(table, dataset, 1, signal);
  return first;
}
