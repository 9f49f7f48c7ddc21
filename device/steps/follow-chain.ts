import { anchorerOf } from '../../core/charter/charter.ts';
import { batchesIn } from '../outbox/batch-rows.ts';
import { countUnpublished } from '../outbox/to-publish.ts';
import { followHeads } from '../record/follow-heads.ts';
import { createRoundFollower, type FollowRound } from '../record/follow-round.ts';
import type { DeviceRun } from './device-run.ts';

/** An idle device looks at the chain this much more rarely. */
const IDLE_FACTOR = 15;

/** The step that looks at the chain: what of the log is recorded or anchored, what is final. */
export function createFollowStep(run: DeviceRun): (signal: AbortSignal) => Promise<number> {
  const { primitives, rounds: reader, service, writer, account, charter } = run.parts;
  const { dataset, domain } = writer;
  const anchorer = anchorerOf(charter);
  const followRound =
    anchorer === null || reader === undefined
      ? undefined
      : createRoundFollower({ primitives, reader, service, domain, dataset, anchorer, account });
  return (signal) => followChain(run, followRound, signal);
}

async function followChain(run: DeviceRun, followRound: FollowRound | undefined, signal: AbortSignal): Promise<number> {
  const { outbox, ledger, writer, report, clock } = run.parts;
  const { followEveryMs } = run.options;
  const { dataset } = writer;
  const followed = await followHeads({ outbox, ledger, dataset, report, nowMs: clock.nowMs(), followRound }, signal);
  // One that is under way will see it.
  if (followed.ahead && !run.comparison.isUnderWay()) {
    run.comparison.expire();
    run.wake('compare');
  }
  // By what is there, not by what has just moved: a disk that failed in between may have kept that from being told.
  if (batchesIn(outbox, 'final', 1).length > 0) run.wake('check');
  if (countUnpublished(outbox) > 0) run.wake('publish');
  const stored = batchesIn(outbox, 'stored', 1).length > 0;
  // Adopted, or back from a reorganisation: nobody else tells.
  if (stored) run.wake('record');
  return stored || batchesIn(outbox, 'recorded', 1).length > 0 ? followEveryMs : followEveryMs * IDLE_FACTOR;
}
