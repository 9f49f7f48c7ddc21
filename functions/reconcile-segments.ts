import middy from '@middy/core';
import type { DatasetId } from '../core/ids.ts';
import type { DatedLister, ObjectRemover, ObjectWriter } from '../core/ports/object-store.ts';
import { Problem } from './answer/problem.ts';
import { reasonsOf } from './events/wake-reasons.ts';
import { checkInCharterAt } from './ingest/check-in-charter.ts';
import { compareStretch, type Difference, type Stretch } from './ingest/compare-stretch.ts';
import { type IngestPorts, ingestSegment } from './ingest/ingest-segment.ts';
import { markRemoved } from './ingest/mark-removed.ts';
import { reportWaiting } from './ingest/report-waiting.ts';
import { SegmentMemory } from './ingest/segment-memory.ts';
import { removeOldAside, setAside } from './ingest/set-aside.ts';
import { finishFilling } from './log/fill-gap.ts';
import type { PortsOf, ServicePorts } from './ports.ts';
import { type Filling, readFillings } from './state/filling-entry.ts';
import { type Aside, readAside } from './state/junk-entry.ts';
import { readCursor, writeCursor } from './state/reconcile-entry.ts';
import { scanTogether } from './state/scan-together.ts';
import { reconcileSegmentsRow as row } from './table.ts';

/** How much one run does at most. */
export interface ReconcileBounds {
  readonly mostKeys: number;
  /** Segments looked at. Each may have 33 MiB. */
  readonly mostMended: number;
  readonly mostMs: number;
  /** An object that is younger and has no entry is left to its event, which may be on its way. */
  readonly youngMs: number;
}

export interface Reconciled {
  /** Of the bucket, compared. */
  readonly keys: number;
  /** Charters and segments that were checked in here. */
  readonly found: number;
  /** Segments of the table whose objects are gone. */
  readonly lost: number;
  /** Objects that can never be segments, taken from among them. */
  readonly aside: number;
  /** What was looked at again, and is as it was. */
  readonly unchanged: number;
  /** Gaps of logs whose filling was cut off, and is done. */
  readonly filled: number;
  /** Objects without an entry whose events may still come: a later round looks again. */
  readonly young: number;
  /** What could not be mended now: the next round tries again. */
  readonly failed: number;
  /** How long the segment that has waited longest for a batch before it has waited, of those that wait too long; else 0. */
  readonly waitingSeconds: number;
  /** Whether the whole bucket has been gone through: the next run begins anew. */
  readonly isRoundOver: boolean;
}

export interface ReconcilePorts extends IngestPorts, Pick<ServicePorts, 'observer'> {
  readonly objects: IngestPorts['objects'] & DatedLister & ObjectWriter & ObjectRemover;
}

export const RECONCILE_BOUNDS: ReconcileBounds = {
  ...{ mostKeys: 10_000, mostMended: 200, mostMs: 20_000 },
  // Events come within seconds; where they wait for a machine, twice as long is alarmed (IngestLag). Devices ask for theirs by then.
  youngMs: 600_000,
};
/** Keys held together. */
const PAGE = 1_000;

/**
 * Compares a part of the bucket with the table, and goes on there in the next run, round and round (specification#checking-in):
 * what the bucket has and the table does not is checked in, be it that its event was lost or its item; what the table has
 * and the bucket does not is marked lost. One difference that cannot be mended keeps none of the others from it.
 */
export async function reconcileSegments(
  ports: ReconcilePorts,
  signal?: AbortSignal,
  bounds: ReconcileBounds = RECONCILE_BOUNDS,
): Promise<Reconciled> {
  const { table, objects, observer, runtime } = ports;
  const untilMs = runtime.monotonicMs() + bounds.mostMs;
  const counted = { keys: 0, found: 0, lost: 0, aside: 0, unchanged: 0, filled: 0, young: 0, failed: 0 };
  // By two clocks: what a store stamps in the future is young for so much longer.
  const youngerMs = bounds.youngMs === 0 ? Number.POSITIVE_INFINITY : runtime.nowMs() - bounds.youngMs;
  let looked = 0;
  const isSpent = () =>
    counted.keys >= bounds.mostKeys || looked >= bounds.mostMended || runtime.monotonicMs() > untilMs;
  // What fails again in every run stands first in each: it must not take the whole of one.
  const mostFailed = Math.ceil(bounds.mostMended / 4);
  for await (const junk of readAside(table, signal)) {
    if (isSpent() || counted.failed >= mostFailed) break;
    counted[await takeAside(ports, junk, signal)]++;
    looked++;
  }
  await removeOldAside(ports, bounds.mostMended, signal);
  for await (const filling of readFillings(table, signal)) {
    if (isSpent() || counted.failed >= 2 * mostFailed) break;
    counted[await finish(ports, filling, signal)]++;
    looked++;
  }
  // However many datasets wait, the bucket is compared in every run.
  const reportedMs = runtime.monotonicMs() + bounds.mostMs / 4;
  const isReported = () => isSpent() || runtime.monotonicMs() > reportedMs;
  const waitingSeconds = await reportWaiting(ports, isReported, signal);
  const cursor = await readCursor(table, signal);
  let after = cursor.after;
  let isRoundOver = false;
  while (!isRoundOver && !isSpent()) {
    const most = Math.min(PAGE, bounds.mostKeys - counted.keys);
    const storedAtMs = await takeKeys(objects, after, most, signal);
    const keys = [...storedAtMs.keys()];
    const isLast = keys.length < most;
    for (const stretch of cutStretches(keys, after, isLast)) {
      let reached = stretch.after ?? after;
      try {
        for await (const difference of compareStretch(ports, stretch, signal)) {
          // Charters stand behind the segments that need them: to try them again and again must not hold these up.
          if (difference.kind === 'charter') {
            counted[await mend(ports, difference, signal)]++;
            continue;
          }
          if (isSpent()) break;
          if (difference.kind === 'missed' && (storedAtMs.get(difference.key) ?? 0) > youngerMs) {
            counted.young++;
            continue;
          }
          counted[await mend(ports, difference, signal)]++;
          looked++;
          reached = difference.key;
        }
      } catch (error) {
        signal?.throwIfAborted();
        observer.error('stretch not compared', { dataset: stretch.dataset, error });
        counted.failed++;
      }
      if (isSpent()) {
        after = reached;
        break;
      }
      after = stretch.keys.at(-1) as string;
      counted.keys += stretch.keys.length;
    }
    if (isSpent()) break;
    after = keys.at(-1) ?? after;
    isRoundOver = isLast;
  }
  await writeCursor(table, { ...cursor, after: isRoundOver ? null : after }, signal);
  return { ...counted, waitingSeconds, isRoundOver };
}

/** Keys in their order, with when their objects were stored. */
async function takeKeys(objects: DatedLister, after: string | null, most: number, signal?: AbortSignal) {
  const keys = new Map<string, number>();
  for await (const { key, storedAtMs } of objects.listDated('', signal, after ?? undefined)) {
    keys.set(key, storedAtMs);
    if (keys.size === most) break;
  }
  return keys;
}

/** The keys of each dataset. What is of no dataset is left out. */
function* cutStretches(keys: readonly string[], after: string | null, isLast: boolean): Generator<Stretch> {
  const byDataset = Map.groupBy(keys, (key) => /^([0-9a-f]{64})\//.exec(key)?.[1] ?? null);
  const lastKey = keys.at(-1) ?? '';
  for (const [digits, own] of byDataset) {
    if (digits === null) continue;
    const begins = `${digits}/`;
    yield {
      dataset: `0x${digits}` as DatasetId,
      keys: own,
      after: after?.startsWith(begins) === true ? after : null,
      isWhole: isLast || !lastKey.startsWith(begins),
    };
  }
}

async function takeAside(
  ports: ReconcilePorts,
  junk: Aside,
  signal?: AbortSignal,
): Promise<'aside' | 'unchanged' | 'failed'> {
  try {
    return (await setAside(ports, junk, signal)) ? 'aside' : 'unchanged';
  } catch (error) {
    signal?.throwIfAborted();
    ports.observer.error('object not set aside', { key: junk.key, error });
    return 'failed';
  }
}

/** What an invocation was writing into a log when it was cut off. */
async function finish(ports: ReconcilePorts, filling: Filling, signal?: AbortSignal): Promise<'filled' | 'failed'> {
  const { dataset, from } = filling;
  try {
    const finished = await finishFilling(ports, filling, signal);
    if (finished === 'filled') return 'filled';
    ports.observer.error('a gap of the log is half filled, and segments for it are lost', { dataset, from });
  } catch (error) {
    signal?.throwIfAborted();
    ports.observer.error('a gap of the log not filled to its end', { dataset, from, error });
  }
  return 'failed';
}

/** Mends one difference by the same code that its event would have run. */
async function mend(
  ports: ReconcilePorts,
  { kind, key }: Difference,
  signal?: AbortSignal,
): Promise<'found' | 'lost' | 'aside' | 'unchanged' | 'failed'> {
  const { observer } = ports;
  if (kind === 'junk') return takeAside(ports, { key, isKept: true }, signal);
  try {
    if (kind === 'gone') {
      const removal = await markRemoved(ports, key, signal);
      if (removal === 'lost') observer.error('segment lost', { key });
      return removal === 'lost' ? 'lost' : 'unchanged';
    }
    const outcome =
      kind === 'charter' ? await checkInCharterAt(ports, key, signal) : await ingestSegment(ports, key, signal);
    const isNew = kind === 'again' ? outcome === 'placed' || outcome === 'waiting' : outcome !== 'gone';
    if (isNew) observer.warn('found in the bucket, not in the table', { key, outcome });
    return isNew ? 'found' : 'unchanged';
  } catch (error) {
    signal?.throwIfAborted();
    // The owner is not served, or the charter counts for nothing: that may change.
    if (error instanceof Problem) return 'unchanged';
    observer.error('difference not mended', { kind, key, error });
    return 'failed';
  }
}

const RESERVED_MS = 2_000;

export const handlerFor = (ports: PortsOf<typeof row>, memory = new SegmentMemory()) =>
  middy(async (event: unknown, context: { getRemainingTimeInMillis?: () => number }) => {
    const leftMs = context.getRemainingTimeInMillis?.() ?? row.limits.timeoutMs;
    const signal = ports.runtime.timeout(Math.max(1, leftMs - RESERVED_MS));
    const ledger = scanTogether(ports.ledger);
    // A host that begins has heard no event of what was put before.
    const youngMs = reasonsOf(event)?.has('start') === true ? 0 : RECONCILE_BOUNDS.youngMs;
    const bounds = { ...RECONCILE_BOUNDS, youngMs };
    const reconciled = await reconcileSegments({ ...ports, ledger, memory }, signal, bounds);
    const { found, lost, aside, filled, failed, waitingSeconds } = reconciled;
    for (const [metric, value] of Object.entries({ found, lost, aside, filled, failed, waitingSeconds })) {
      if (value > 0) ports.observer.count(`Reconcile.${metric}`, value);
    }
    if (found + lost + aside + filled + failed > 0) ports.observer.info('reconciled', { ...reconciled });
    return reconciled;
  }).use([...ports.observer.middleware]);
