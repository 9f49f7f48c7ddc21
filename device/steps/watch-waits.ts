import { type AwaitedThing, readWaits } from '../outbox/read-waits.ts';
import type { DeviceRun } from './device-run.ts';
import type { Work } from './run-step.ts';

const WATCH_EVERY_MS = 30_000;
const SAY_AGAIN_MS = 600_000;

/** The step that says what waits longer than it should: for what, since when, why, and whose turn it is. */
export function createWatchStep({ parts }: DeviceRun): Work {
  const { outbox, clock, runtime, report } = parts;
  const said = new Map<AwaitedThing, number>();
  return async () => {
    const overdue = readWaits(outbox, clock.nowMs()).filter((wait) => wait.overdue);
    for (const awaited of said.keys()) if (overdue.every((wait) => wait.for !== awaited)) said.delete(awaited);
    for (const { overdue: _, ...wait } of overdue) {
      const saidMs = said.get(wait.for) ?? Number.NEGATIVE_INFINITY;
      if (saidMs + SAY_AGAIN_MS > runtime.monotonicMs()) continue;
      said.set(wait.for, runtime.monotonicMs());
      report({ event: 'waiting', ...wait });
    }
    return WATCH_EVERY_MS;
  };
}
