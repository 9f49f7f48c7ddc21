import { nodeRuntime } from '../../adapters/runtime/node-runtime.ts';
import { counted } from '../../core/counted.ts';
import { StoreUnavailableError } from '../../core/errors.ts';
import { MAX_CONTENT_BYTES } from '../../core/limits.ts';
import { createDeviceClock } from '../../device/clock.ts';
import { DEFAULT_DEVICE_OPTIONS } from '../../device/device-options.ts';
import type { DeviceEvent } from '../../device/events.ts';
import { lastCaptureTime } from '../../device/outbox/last-capture.ts';
import { openOutbox } from '../../device/outbox/open-outbox.ts';
import { type OutboxStatus, readStatus } from '../../device/outbox/read-status.ts';
import { readProvision } from '../../device/provision/read-provision.ts';
import { runDevice } from '../../device/run-device.ts';
import type { Source } from '../../device/sources/source.ts';
import { watchDirectory } from '../../device/sources/watch-directory.ts';
import { connectDevice } from '../../library/connect-device.ts';
import { showBytes } from '../device/parse-units.ts';
import { waitsText } from '../device/wait-text.ts';
import type { Output } from '../output.ts';
import type { Survey } from './survey-source.ts';

/** Everything is quick here: the chain is on this machine, and somebody looks on. */
const OPTIONS = {
  ...DEFAULT_DEVICE_OPTIONS,
  batch: { ...DEFAULT_DEVICE_OPTIONS.batch, maxAgeMs: 500 },
  followEveryMs: 200,
  untilIdle: true,
};
const SETTLE_MS = 200;
/** A file that has not rested by then, since the last one was captured, is left for the next run. */
const RESTLESS_MS = 15_000;
/** Of nothing at all, neither stored nor recorded: then something does not work. */
const STANDSTILL_MS = 120_000;
const TICK_MS = 250;

export interface Captured {
  /** By this run. */
  readonly blocks: number;
  /** By all runs. */
  readonly totalBlocks: number;
  readonly totalBytes: number;
  readonly leftOut: OutboxStatus['leftOut'];
}

/**
 * Runs the source's device in this process until all that is there is final on the chain and the storage has proven that it has
 * it. It may be interrupted at any moment, and run again.
 * @throws StoreUnavailableError when for two minutes nothing comes forward
 */
export async function captureSource(
  files: { readonly provision: string; readonly outbox: string },
  survey: Survey,
  output: Output,
  signal: AbortSignal,
): Promise<Captured> {
  const provision = readProvision(files.provision);
  const outbox = openOutbox(files.outbox, { ...provision, kind: provision.charter.kind });
  const watch = watchProgress(survey, output);
  const standstill = new AbortController();
  const restless = new AbortController();
  const ticking = setInterval(() => {
    watch.show();
    if (watch.quietMs() > RESTLESS_MS && !watch.sourceHasEnded()) restless.abort();
    if (watch.quietMs() > STANDSTILL_MS) standstill.abort();
  }, TICK_MS);
  try {
    const clock = createDeviceClock(nodeRuntime, lastCaptureTime(outbox));
    const source = endedBy(restless.signal, sourceOf(survey));
    const parts = connectDevice(provision, outbox, 'relayed', watch.report);
    const ended = AbortSignal.any([signal, standstill.signal]);
    const complete = await runDevice({ ...parts, outbox, clock, source, report: watch.report }, OPTIONS, ended);
    signal.throwIfAborted();
    const nowMs = Date.now();
    const status = readStatus(outbox, nowMs);
    if (!complete) {
      const waits = waitsText(status.waits, nowMs).join(' ');
      throw new StoreUnavailableError(`There was no progress for ${STANDSTILL_MS / 1000} s. ${waits}`);
    }
    const { blocks: totalBlocks, bytes: totalBytes } = status.captured;
    return { blocks: watch.capturedBlocks(), totalBlocks, totalBytes, leftOut: status.leftOut };
  } finally {
    clearInterval(ticking);
    outbox.close();
  }
}

function sourceOf({ directory, directories, names }: Survey): Source {
  return watchDirectory(directories, directory, {
    ...{ names, blockBytes: MAX_CONTENT_BYTES, settleMs: SETTLE_MS, scanEveryMs: SETTLE_MS },
    // What must not be captured is left alone by name: the data may be around it.
    ...{ keepOut: [], deleteAfterChecked: false },
  });
}

/** The same source, which has also ended when that is aborted. */
function endedBy(end: AbortSignal, source: Source): Source {
  return { ...source, run: (parts, options, signal) => source.run(parts, options, AbortSignal.any([signal, end])) };
}

function watchProgress(survey: Survey, output: Output) {
  const startMs = performance.now();
  let lastMs = startMs;
  let hasEnded = false;
  const seen = { blocks: 0, bytes: 0, storedBlocks: 0, checkedBlocks: 0 };
  const count = (event: DeviceEvent): void => {
    switch (event.event) {
      case 'captured':
        seen.blocks += event.blocks;
        seen.bytes += event.bytes;
        break;
      case 'stored':
        seen.storedBlocks += event.blocks;
        break;
      case 'checked':
        seen.checkedBlocks += event.blocks;
        break;
      case 'source-complete':
        hasEnded = true;
        break;
      case 'recorded':
      case 'final':
        break;
      default:
        return;
    }
    lastMs = performance.now();
  };
  return {
    report: count,
    quietMs: () => performance.now() - lastMs,
    sourceHasEnded: () => hasEnded,
    capturedBlocks: () => seen.blocks,
    show(): void {
      // Capturing, storing and checking go on side by side; each has about a third of the work.
      const capturedShare = Math.min(1, seen.bytes / survey.bytes);
      const share = (part: number): number => (seen.blocks === 0 ? 0 : (part / seen.blocks) * capturedShare);
      const done = (capturedShare + share(seen.storedBlocks) + share(seen.checkedBlocks)) / 3;
      const tookMs = performance.now() - startMs;
      const left = done > 0.05 && done < 1 ? `, about ${Math.ceil((tookMs / done - tookMs) / 1000)} s left` : '';
      output.progress(
        `captured ${showBytes(seen.bytes)} of ${showBytes(survey.bytes)}, ${counted(seen.blocks, 'block')}: ${seen.storedBlocks} stored, ${seen.checkedBlocks} recorded and proven${left}`,
      );
    },
  };
}
