import type { DeviceOptions, DeviceParts } from './device-options.ts';
import { countUnchecked } from './outbox/batch-rows.ts';
import { type MendableError, OutboxUnavailableError } from './outbox/errors.ts';
import type { StepName } from './outbox/note-step.ts';
import type { Outbox } from './outbox/open-outbox.ts';
import { patiently } from './outbox/patiently.ts';
import { readUnsealed } from './outbox/read-backlog.ts';
import { countUnpublished } from './outbox/to-publish.ts';
import { createDirectRecorder } from './record/record-directly.ts';
import { checkBatches } from './steps/check-batches.ts';
import { createCompareStep } from './steps/compare-logs.ts';
import { createDeviceRun, type DeviceRun } from './steps/device-run.ts';
import { createFollowStep } from './steps/follow-chain.ts';
import { createLookStep } from './steps/look-again.ts';
import { mendDamage } from './steps/mend-damage.ts';
import { tellShortening } from './steps/note-shortening.ts';
import { createPublishStep } from './steps/publish-batches.ts';
import { readSource } from './steps/read-source.ts';
import { runStep, type Work } from './steps/run-step.ts';
import { sealBatches } from './steps/seal-batches.ts';
import { uploadBatches } from './steps/upload-batches.ts';
import { waitAtMost } from './steps/wait-at-most.ts';
import { createWatchStep } from './steps/watch-waits.ts';

/** How long a source may take to hand over what it has read, once told to stop. */
const SOURCE_GRACE_MS = 1500;
/** How long a source waits for the first comparison with service and chain. */
const FIRST_COMPARE_MS = 5000;

/**
 * Runs a device: captures, seals, uploads, follows the chain (or records by itself) and checks, each step on its own, until
 * aborted; then keeps what was read and ends. It may be killed at any instant and started again: all it knows is in the
 * outbox, and every step does the same once more.
 * @returns whether everything captured was final and checked, and the source had ended where that was waited for
 * @throws OutboxDamagedError | ArgumentError | FileError what cannot mend itself; every other failure is retried
 */
export async function runDevice(parts: DeviceParts, options: DeviceOptions, signal: AbortSignal): Promise<boolean> {
  const { runtime, outbox, report, writer, account } = parts;
  const begun = await begin(parts, options, signal);
  if (begun === null) return false;
  const run = begun;
  report({ event: 'started', dataset: writer.dataset, account, unsealedBlocks: run.backlog.blocks() });
  const stopped = AbortSignal.any([signal, run.ending.signal]);
  const steps = startSteps(run, stopped);
  // A copy that was put back learns first what the log has of the source; without an answer capture begins all the same.
  const source = waitAtMost(runtime, FIRST_COMPARE_MS, run.comparison.first).then(() =>
    startStep(run, 'source', (abort) => readSource(run, abort), stopped),
  );
  await steps;
  await waitAtMost(runtime, SOURCE_GRACE_MS, source);
  run.sourceParts.queue.close();
  const pending = readPending(outbox);
  report({ event: 'stopped', ...pending });
  run.ending.throwIfFailed();
  const done = pending.unsealedBlocks === 0 && pending.pendingBatches === 0;
  return done && (run.sourceHasEnded() || !options.untilIdle);
}

/** Null when aborted before the disk let it begin. */
async function begin(parts: DeviceParts, options: DeviceOptions, signal: AbortSignal): Promise<DeviceRun | null> {
  try {
    const run = await patiently(parts, () => createDeviceRun(parts, options), signal);
    await patiently(parts, () => tellShortening(run), signal);
    return run;
  } catch (cause) {
    if (signal.aborted) return null;
    throw cause;
  }
}

/** Nulls where the disk does not say. */
function readPending(outbox: Outbox): { unsealedBlocks: number | null; pendingBatches: number | null } {
  try {
    const pendingBatches = Math.max(countUnchecked(outbox), countUnpublished(outbox));
    return { unsealedBlocks: readUnsealed(outbox).blocks, pendingBatches };
  } catch (cause) {
    if (!(cause instanceof OutboxUnavailableError)) throw cause;
    return { unsealedBlocks: null, pendingBatches: null };
  }
}

/** Everything but the source. Resolves when all of it has ended. */
async function startSteps(run: DeviceRun, stopped: AbortSignal): Promise<void> {
  const { parts, options } = run;
  const { recorder, publication } = parts;
  const { recordEveryMs, replaceAfterMs, pollMs } = options;
  const running = [
    startStep(run, 'compare', createCompareStep(run), stopped),
    startStep(run, 'seal', (abort) => sealBatches(run, abort), stopped),
    startStep(run, 'upload', (abort) => uploadBatches(run, abort), stopped),
    startStep(run, 'follow', createFollowStep(run), stopped),
    startStep(run, 'look', createLookStep(run), stopped),
    startStep(run, 'watch', createWatchStep(run), stopped),
    startStep(run, 'check', (abort) => checkBatches(run, abort), stopped),
  ];
  if (recorder !== undefined) {
    const direct = createDirectRecorder({ ...parts, recorder }, { recordEveryMs, replaceAfterMs, pollMs });
    running.push(startStep(run, 'record', (abort) => run.paying.run(() => direct(abort)), stopped));
  }
  if (publication !== undefined) {
    running.push(startStep(run, 'publish', createPublishStep(run, publication), stopped));
  }
  await Promise.all(running);
}

/** A step's loop; of an upload, one for each connection. Only what cannot mend itself ends it, and the run with it. */
async function startStep(run: DeviceRun, name: StepName, work: Work, stopped: AbortSignal): Promise<void> {
  const { runtime, outbox, report } = run.parts;
  const mend = (cause: MendableError): Promise<boolean> => mendDamage(run, cause);
  const context = { runtime, outbox, report, backoff: run.options.backoff, mend };
  const loops = run.steps
    .filter((step) => step.name === name)
    .map((step) => runStep(context, step, work, stopped).catch(run.ending.fail));
  await Promise.all(loops);
}
