import { RequestRefusedError } from '../../core/errors.ts';
import {
  type BatchState,
  batchAt,
  batchesIn,
  hasBatchIn,
  isSealed,
  moveBatch,
  noteLooked,
  type SealedRow,
} from '../outbox/batch-rows.ts';
import { uploadBatch } from '../upload/upload-batch.ts';
import type { DeviceRun } from './device-run.ts';
import type { Work } from './run-step.ts';

/** As often as batches may still be missing that the last look has not come to. */
const SOON_MS = 10_000;
/** Requests of one look. */
const AT_ONCE = 16;

/**
 * The step that does not believe a 2xx: what is stored and not recorded after `lookAfterMs` is asked for. A proxy may have
 * answered the upload, its event may be lost, the store may have lost it. The service says what it has, checks in what is there
 * (specification#looking-again, `look`), and what is not there is uploaded again. Looks get rarer, up to `lookMostMs`; the
 * first after a start is due at once. The newest batch is asked for first: when the log has it, it has all before it.
 */
export function createLookStep(run: DeviceRun): Work {
  const { runtime } = run.parts;
  const { lookAfterMs, lookMostMs } = run.options;
  let restMs = lookAfterMs;
  const missed = new Set<number>();
  // What a former run has left was waited for long enough.
  let nextMs: number | null = Number.NEGATIVE_INFINITY;

  return async (signal) => {
    if (!isAnyWaiting(run)) {
      nextMs = null;
      return Number.POSITIVE_INFINITY;
    }
    if (nextMs === null) {
      restMs = lookAfterMs;
      nextMs = runtime.monotonicMs() + restMs;
    }
    const dueMs = nextMs - runtime.monotonicMs();
    if (dueMs > 0) return dueMs;
    const isMissing = await look(run, missed, signal);
    // What stays missing is not uploaded at every look: whoever swallows it would be fed for ever.
    restMs = Math.min(2 * restMs, lookMostMs);
    const inMs = isMissing ? Math.min(SOON_MS, lookAfterMs) : restMs;
    nextMs = runtime.monotonicMs() + inMs;
    return inMs;
  };
}

/** A device that records by itself may have recorded what the service does not have. */
const statesOf = ({ parts }: DeviceRun): readonly BatchState[] =>
  parts.record === 'direct' ? ['stored', 'recorded'] : ['stored'];

function isAnyWaiting(run: DeviceRun): boolean {
  return hasBatchIn(run.parts.outbox, ...statesOf(run));
}

function waitingRows(run: DeviceRun): SealedRow[] {
  return statesOf(run)
    .flatMap((state) => batchesIn(run.parts.outbox, state, Number.MAX_SAFE_INTEGER))
    .filter(isSealed)
    .sort((a, b) => a.first - b.first);
}

/**
 * @param missed batches that former looks have not found: what is missing time and again calls for no haste
 * @returns whether something else is missing: then more may be
 */
async function look(run: DeviceRun, missed: Set<number>, signal: AbortSignal): Promise<boolean> {
  const rows = waitingRows(run);
  const newest = rows.at(-1);
  if (newest === undefined) return false;
  let failure: unknown = null;
  let missing = 0;
  let isNew = false;
  const ask = async (row: SealedRow): Promise<number | null> => {
    try {
      const { state, waitsFor } = await askFor(run, row, signal);
      if (state !== 'absent') missed.delete(row.first);
      else {
        missing++;
        if (!missed.has(row.first)) isNew = true;
        missed.add(row.first);
      }
      return waitsFor;
    } catch (cause) {
      // The service's word on this one batch: others may be missing all the same.
      if (!(cause instanceof RequestRefusedError)) throw cause;
      failure ??= cause;
      return null;
    }
  };
  const waitsFor = await ask(newest);
  // 0 is a batch like any other: the very first may be the one that is missing.
  if (failure === null && missing === 0 && waitsFor === null) return false;
  const from = waitsFor ?? 0;
  const walk = rows.filter(({ first }) => first >= from && first !== newest.first);
  for (const row of walk.slice(0, AT_ONCE)) await ask(row);
  if (waitsFor !== null && !rows.some(({ first }) => first === from)) tellOfHole(run, from);
  if (failure !== null) throw failure;
  return isNew;
}

async function askFor({ parts, comparison, chain, wake, options }: DeviceRun, row: SealedRow, signal: AbortSignal) {
  const { outbox, service, writer, record, report, clock } = parts;
  const { first, sha256, segmentBytes: sizeBytes, blocks } = row;
  const answer = await service.uploadSegment(writer.dataset, { first, sha256, sizeBytes, record, look: true }, signal);
  switch (answer.state) {
    case 'absent':
      report({ event: 'missing', first, blocks });
      if (row.state === 'recorded') await uploadBatch(parts, row, null, options, signal);
      else if (moveBatch(outbox, row, 'stored', 'sealed', clock.nowMs())) wake('upload');
      break;
    case 'waiting':
      noteLooked(outbox, first, first + blocks);
      break;
    case 'checked-in':
      noteLooked(outbox, 0, first + blocks);
      break;
    case 'superseded':
      // The service follows the chain: what was read of that before does not have it.
      chain.expire();
      comparison.expire();
      wake('compare');
      break;
  }
  return answer;
}

/** The service's log ends before something that this device no longer has, or has shown to be stored. */
function tellOfHole({ parts }: DeviceRun, block: number): void {
  const state = batchAt(parts.outbox, block)?.state ?? 'forgotten';
  parts.report({
    event: 'skipped',
    what: `the service's log behind block ${block}`,
    reason: `It lacks the batch at block ${block}, which is ${state} in this outbox. The service's operator has to restore it.`,
  });
}
