import { RequestRefusedError, StateError } from '../../core/errors.ts';
import { moveBatch } from '../outbox/batch-rows.ts';
import { BatchDamagedError, OutboxDamagedError } from '../outbox/errors.ts';
import { uploadBatch } from '../upload/upload-batch.ts';
import type { DeviceRun } from './device-run.ts';
import { forgetBatch } from './mend-damage.ts';

/** A service that refuses is no reason to ask the chain more often than this. */
const ASK_AGAIN_MS = 60_000;

/** One look of a connection: uploads the oldest sealed batch that no other connection has. */
export async function uploadBatches(run: DeviceRun, signal: AbortSignal): Promise<number> {
  const { parts, options, uploads } = run;
  const next = uploads.take();
  if (next === null) return Number.POSITIVE_INFINITY;
  const { row, fresh } = next;
  try {
    const { again } = await uploadBatch(parts, row, fresh, options, signal);
    if (moveBatch(parts.outbox, row, 'sealed', 'stored', parts.clock.nowMs())) {
      const { first, blocks, segmentBytes } = row;
      parts.report({ event: 'stored', first, blocks, bytes: segmentBytes, again });
      run.wake('follow', 'record', 'look');
    }
  } catch (cause) {
    if (cause instanceof BatchDamagedError)
      await run.logEnd.run(async () => forgetBatch(run, row, cause.missingBlocks));
    // What is wrong with this one alone must not hold up the others.
    if (isOfItself(cause)) uploads.putOff(row);
    if (cause instanceof RequestRefusedError && run.chain.ageMs() > ASK_AGAIN_MS) {
      // Another device may write this dataset by now.
      run.chain.expire();
      run.comparison.expire();
      run.wake('compare');
    }
    throw cause;
  } finally {
    uploads.giveBack(row);
  }
  return 0;
}

/** Whether it is this batch that does not go: another may. */
function isOfItself(cause: unknown): boolean {
  return cause instanceof RequestRefusedError || cause instanceof OutboxDamagedError || cause instanceof StateError;
}
