import { to0x } from '../../core/bytes.ts';
import { sealPlanned } from '../log/seal-planned.ts';
import { batchesIn, hasBatchIn, type PlannedBatch } from '../outbox/batch-rows.ts';
import { BatchDamagedError } from '../outbox/errors.ts';
import { planBatch } from '../outbox/plan-batch.ts';
import type { DeviceRun } from './device-run.ts';
import { forgetBatch } from './mend-damage.ts';

/**
 * Finishes what a crash, or a disk that failed, left between fixing a batch's blocks and noting what was made with it. The
 * log's end is the caller's meanwhile: nothing may come behind a batch that is not made.
 */
export async function completePlanned(run: DeviceRun): Promise<void> {
  const { parts } = run;
  for (const planned of batchesIn(parts.outbox, 'planned', Number.MAX_SAFE_INTEGER)) await sealIt(run, planned);
}

/** One look of the step that seals: makes a batch when one is due. Answers how long nothing is to be done. */
export async function sealBatches(run: DeviceRun, signal: AbortSignal): Promise<number> {
  const { parts, options, backlog } = run;
  // Its blocks are in the backlog no more: nothing else would come back to it.
  if (hasBatchIn(parts.outbox, 'planned')) await run.logEnd.run(() => completePlanned(run));
  if (backlog.blocks() <= 0) {
    // The blocks of a batch that the disk did not let be made are in no backlog any more.
    if (hasBatchIn(parts.outbox, 'planned')) await run.logEnd.run(() => completePlanned(run));
    run.endWhenIdle();
    return Number.POSITIVE_INFINITY;
  }
  const dueMs = backlog.dueInMs(options.batch);
  if (dueMs > 0 && !(options.untilIdle && run.sourceHasEnded())) return dueMs;
  // It wakes this step when it has ended well.
  if (run.comparison.isUnderWay()) return Number.POSITIVE_INFINITY;
  const restMs = await run.logEnd.run(() => sealOne(run, signal));
  // Lets other steps have their turn between two batches of a backlog.
  if (restMs === 0) await parts.runtime.nextTurn();
  return restMs;
}

async function sealOne(run: DeviceRun, signal: AbortSignal): Promise<number> {
  const { parts, options, backlog } = run;
  if (signal.aborted) return 0;
  await completePlanned(run);
  if (!run.comparison.isYoungerThan(options.compareEveryMs)) {
    run.wake('compare');
    return Number.POSITIVE_INFINITY;
  }
  const { primitives, outbox, writer, clock } = parts;
  const { serial } = writer;
  const next = planBatch(primitives, outbox, options.batch, { serial, after: run.after.block, nowMs: clock.nowMs() });
  if (next === null) {
    backlog.clear();
    return 0;
  }
  // Planned, its blocks are waiting no more, even where it is made later.
  backlog.sealed({ blocks: next.planned.blocks, bytes: next.bytes });
  await sealIt(run, next.planned);
  return 0;
}

async function sealIt(run: DeviceRun, planned: PlannedBatch): Promise<void> {
  const { parts, uploads } = run;
  const { row, sealed } = await sealPlanned(parts, planned).catch((cause) => {
    // Nothing was made with it: the blocks that are there are planned anew, with another nonce.
    if (cause instanceof BatchDamagedError) forgetBatch(run, planned, cause.missingBlocks);
    throw cause;
  });
  const { first, blocks, segmentBytes, root } = row;
  parts.report({ event: 'sealed', first, blocks, bytes: segmentBytes, root: to0x(root) });
  uploads.offer(first, sealed);
  run.wake('upload');
}
