import type { DeviceOptions, DeviceParts } from '../device-options.ts';
import { findInLog, findPieceInLog } from '../log/find-in-log.ts';
import type { SealingParts } from '../log/make-batch.ts';
import { countUnchecked, lastBatch } from '../outbox/batch-rows.ts';
import { createCaptureQueue } from '../outbox/capture-queue.ts';
import type { StepName } from '../outbox/note-step.ts';
import { nextSeq, readUnsealed } from '../outbox/read-backlog.ts';
import { countUnpublished } from '../outbox/to-publish.ts';
import { type ChainWatch, createChainWatch } from '../record/chain-watch.ts';
import type { SourceParts } from '../sources/source.ts';
import { createUploads, type Uploads } from '../upload/uploads.ts';
import { type Backlog, createBacklog } from './backlog.ts';
import { createLogComparison, type LogComparison } from './comparison.ts';
import { createEnding, type Ending } from './ending.ts';
import { createMutex, type Mutex } from './mutex.ts';
import { createStep, type Step } from './run-step.ts';

/** One run of a device, as its steps share it. */
export interface DeviceRun {
  readonly parts: DeviceParts & SealingParts & { readonly record: 'relayed' | 'direct' };
  readonly options: DeviceOptions;
  readonly steps: readonly Step[];
  readonly sourceParts: SourceParts;
  /** Nothing had ever been captured when this run began. */
  readonly bornEmpty: boolean;
  readonly backlog: Backlog;
  readonly comparison: LogComparison;
  readonly chain: ChainWatch;
  /** The final chain block of the last comparison, which blocks sealed now name as `after`; null where none was read. */
  readonly after: { block: Uint8Array | null };
  readonly uploads: Uploads;
  /** Comparing may change the log's end, on which a batch that is being sealed rests: one has it at a time. */
  readonly logEnd: Mutex;
  /** Transactions of the device's account, one at a time: each takes the next nonce. */
  readonly paying: Mutex;
  readonly ending: Ending;
  /** There is work for these steps. */
  wake(...names: readonly StepName[]): void;
  /** Whether the source had nothing more. */
  sourceHasEnded(): boolean;
  endSource(): void;
  /** Ends the run if that is wanted and nothing is left to be done. */
  endWhenIdle(): void;
}

const NAMES = ['source', 'compare', 'seal', 'record', 'follow', 'check', 'publish', 'look', 'watch'] as const;

export function createDeviceRun(given: DeviceParts, options: DeviceOptions): DeviceRun {
  const { runtime, primitives, outbox, writer, clock, report } = given;
  const record = given.recorder === undefined ? ('relayed' as const) : ('direct' as const);
  const uploadSteps = Array.from({ length: options.uploadsAtOnce }, () => createStep(runtime, 'upload'));
  const steps = [...NAMES.map((name) => createStep(runtime, name)), ...uploadSteps];
  const wake: DeviceRun['wake'] = (...names) => {
    for (const step of steps) if (names.includes(step.name)) step.wakeup.notify();
  };
  const backlog = createBacklog(runtime, outbox);
  const comparison = createLogComparison(runtime);
  const chain = createChainWatch(runtime, given);
  const ending = createEnding();
  let sourceEnded = false;
  const onCommit = (added: { readonly blocks: number; readonly bytes: number }): void => {
    backlog.captured(added);
    wake('seal');
  };
  const queue = createCaptureQueue(
    { runtime, outbox, report, nowMs: clock.nowMs, onCommit, onFailure: ending.fail },
    options.capture,
  );
  const isInLog: SourceParts['isInLog'] = (file, readPart) => findInLog({ primitives, outbox, writer }, file, readPart);
  const pieceInLog: SourceParts['pieceInLog'] = (piece, readPiece) =>
    findPieceInLog({ primitives, outbox, writer }, piece, readPiece);
  return {
    parts: { ...given, record, publishes: given.publication !== undefined, making: createMutex() },
    paying: createMutex(),
    ...{ options, steps, backlog, comparison, chain, ending, wake },
    after: { block: null },
    sourceParts: { primitives, runtime, outbox, queue, clock, report, isInLog, pieceInLog },
    bornEmpty: nextSeq(outbox) === 0 && lastBatch(outbox) === null,
    uploads: createUploads(outbox, options.uploadsAtOnce),
    logEnd: createMutex(),
    sourceHasEnded: () => sourceEnded,
    endSource() {
      sourceEnded = true;
    },
    endWhenIdle() {
      if (!options.untilIdle || !sourceEnded || !comparison.isKnown()) return;
      if (readUnsealed(outbox).blocks === 0 && countUnchecked(outbox) === 0 && countUnpublished(outbox) === 0)
        ending.finish();
    },
  };
}
