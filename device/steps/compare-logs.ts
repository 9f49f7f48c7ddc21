import type { StreamPosition } from '../log/adopt-batch.ts';
import type { ChainView } from '../log/chain-view.ts';
import { compareLog, hasFormersOpen } from '../log/compare-log.ts';
import { noteStep } from '../outbox/note-step.ts';
import { keepSecondWriter } from '../outbox/second-writer.ts';
import type { DeviceRun } from './device-run.ts';
import { noteShortening } from './note-shortening.ts';
import type { Work } from './run-step.ts';
import { completePlanned } from './seal-batches.ts';

/** What the chain said when it was read for something else so lately counts as read anew. */
const JUST_READ_MS = 1_000;
/** So soon it is looked again whether what forbids sealing still holds. */
const HELD_MS = 15_000;

/** The step that compares the outbox's log with the chain's and the service's; without it nothing is sealed. */
export function createCompareStep(run: DeviceRun): Work {
  const { parts, comparison, bornEmpty } = run;
  const nowMs = (): number => parts.clock.nowMs();
  // As old as the looks at the chain are rare; of a former device's blocks the newest word counts, and where nothing is known.
  const readView = (signal: AbortSignal): Promise<ChainView> => {
    const { followEveryMs } = run.options;
    const isRare = comparison.isKnown() && !hasFormersOpen(parts.outbox, parts.writer.serial);
    return run.chain.view(isRare ? followEveryMs : Math.min(JUST_READ_MS, followEveryMs), signal);
  };
  const stream: StreamPosition = { moves: true, adoptedBytes: 0 };
  const tellOfSecond = (taken: { readonly from: number; readonly blocks: number }): void => {
    keepSecondWriter(parts.outbox, taken, stream.adoptedBytes, nowMs());
    stream.adoptedBytes = 0;
    parts.report({ event: 'second-writer', ...taken });
  };
  let reported: string | null = null;
  // A former run may have left word of one.
  let noted = false;

  const compare = async (signal: AbortSignal): Promise<string | null> => {
    try {
      const { held, finalBlock, isLevel, taken } = await compareLog(
        { ...parts, nowMs, bornEmpty, stream, readView },
        signal,
      );
      run.after.block = finalBlock;
      if (taken !== null && !stream.moves) tellOfSecond(taken);
      // From here on whatever comes under this device's key comes from elsewhere.
      if (isLevel) stream.moves = false;
      return held;
    } finally {
      run.backlog.recount();
    }
  };

  return async (signal) => {
    const held = await run.logEnd.run(async () => {
      await completePlanned(run);
      return comparison.make(() => compare(signal));
    });
    if (held !== null && held !== reported) parts.report({ event: 'held', reason: held });
    if (held !== reported || !noted)
      noteStep(parts, 'hold', held === null ? null : { reason: held, failures: 1, kind: 'state' });
    noted = true;
    reported = held;
    if (held !== null) {
      run.chain.expire();
      return Math.min(HELD_MS, run.options.followEveryMs);
    }
    noteShortening(run);
    run.wake('seal', 'follow', 'upload');
    return Number.POSITIVE_INFINITY;
  };
}
