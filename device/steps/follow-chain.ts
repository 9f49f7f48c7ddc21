import { batchesIn } from '../outbox/batch-rows.ts';
import { followHeads } from '../record/follow-heads.ts';
import type { DeviceRun } from './device-run.ts';

/** An idle device looks at the chain this much more rarely. */
const IDLE_FACTOR = 15;

/** One look at the chain: what of the log is recorded, what is final. */
export async function followChain(run: DeviceRun, signal: AbortSignal): Promise<number> {
  const { outbox, ledger, writer, report, clock } = run.parts;
  const { followEveryMs } = run.options;
  const followed = await followHeads({ outbox, ledger, dataset: writer.dataset, report, nowMs: clock.nowMs() }, signal);
  // One that is under way will see it.
  if (followed.ahead && !run.comparison.isUnderWay()) {
    run.comparison.expire();
    run.wake('compare');
  }
  if (followed.final > 0) run.wake('check', 'publish');
  const stored = batchesIn(outbox, 'stored', 1).length > 0;
  // Adopted, or back from a reorganisation: nobody else tells.
  if (stored) run.wake('record');
  return stored || batchesIn(outbox, 'recorded', 1).length > 0 ? followEveryMs : followEveryMs * IDLE_FACTOR;
}
