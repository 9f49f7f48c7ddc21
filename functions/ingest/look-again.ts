import type { UploadSegmentResponse } from '../../core/wire/requests.ts';
import { Problem, type ProblemType } from '../answer/problem.ts';
import type { Rejection, SegmentEntry } from '../state/entries.ts';
import { readLogEnd } from '../state/log-entry.ts';
import { readSegmentEntry, type StoredSegment } from '../state/segment-entry.ts';
import { type IngestPorts, ingestSegment } from './ingest-segment.ts';
import type { SegmentName } from './inspect-segment.ts';

export type Looked = Pick<UploadSegmentResponse, 'state' | 'waitsFor'>;

/** What was turned away is looked at again no sooner: each look reads the whole object, and any device may ask for it. */
const LOOK_AGAIN_MS = 60_000;

const ABSENT: Looked = { state: 'absent', waitsFor: null };

/** What can change without other bytes being sealed says so by its type; `rejected` is for the device to mend. */
const PROBLEMS: Readonly<Record<Rejection, ProblemType>> = {
  content: '/problems/rejected',
  bytes: '/problems/rejected',
  signer: '/problems/rejected',
  root: '/problems/rejected',
  quota: '/problems/quota',
  dataset: '/problems/not-served',
  'not-served': '/problems/not-served',
};

/**
 * Looks whether a segment is in the store, and checks it in by the code that its event would have run, be that late, lost or
 * long past (specification#checking-in).
 * @param entry as it was just read
 * @throws Problem when it is there and was turned away
 */
export async function lookAgain(
  ports: IngestPorts,
  key: string,
  name: SegmentName,
  entry: StoredSegment | null,
  signal?: AbortSignal,
): Promise<Looked> {
  const { table, objects, runtime } = ports;
  if (entry?.state === 'rejected' && isLookedAt(entry, runtime.nowMs())) throw refusalOf(entry);
  if ((await objects.size(key, signal)) === null) return ABSENT;
  switch (await ingestSegment(ports, key, signal)) {
    case 'placed':
      return { state: 'checked-in', waitsFor: null };
    case 'superseded':
      return { state: 'superseded', waitsFor: null };
    case 'waiting':
      return { state: 'waiting', waitsFor: (await readLogEnd(table, name.dataset, signal))?.size ?? 0 };
    case 'rejected':
      throw refusalOf(await readSegmentEntry(table, name.dataset, name, signal));
    default:
      return ABSENT;
  }
}

function isLookedAt({ rejection, lookedAtMs }: SegmentEntry, nowMs: number): boolean {
  if (rejection === 'content') return true;
  const agoMs = nowMs - (lookedAtMs ?? Number.NEGATIVE_INFINITY);
  return agoMs >= 0 && agoMs < LOOK_AGAIN_MS;
}

function refusalOf(entry: SegmentEntry | null): Problem {
  return new Problem(PROBLEMS[entry?.rejection ?? 'content'], entry?.reason ?? 'It was rejected.');
}
