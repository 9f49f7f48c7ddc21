import { to0x } from '../../core/bytes.ts';
import { sealPlanned } from '../log/seal-planned.ts';
import { batchesIn } from '../outbox/batch-rows.ts';
import { planBatch } from '../outbox/plan-batch.ts';
import type { DeviceRun } from './device-run.ts';

/** Finishes what a crash left between fixing a batch's blocks and noting what was made with it. */
export async function completePlanned({ parts }: DeviceRun): Promise<void> {
  for (const planned of batchesIn(parts.outbox, 'planned', Number.MAX_SAFE_INTEGER)) await sealPlanned(parts, planned);
}

/** One look of the step that seals: makes a batch when one is due. Answers how long nothing is to be done. */
export async function sealBatches(run: DeviceRun, signal: AbortSignal): Promise<number> {
  const { parts, options, backlog } = run;
  if (backlog.blocks() <= 0) {
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
  const { parts, options, backlog, uploads } = run;
  if (signal.aborted) return 0;
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
  const { row, sealed } = await sealPlanned(parts, next.planned);
  backlog.sealed({ blocks: next.planned.blocks, bytes: next.bytes });
  const { first, blocks, segmentBytes, root } = row;
  parts.report({ event: 'sealed', first, blocks, bytes: segmentBytes, root: to0x(root) });
  uploads.offer(first, sealed);
  run.wake('upload');
  return 0;
}
