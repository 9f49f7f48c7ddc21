import { insertGap } from '../outbox/gap-note.ts';
import { lastCaptureTime } from '../outbox/last-capture.ts';
import { readUnnotedLosses, takeUnnotedLosses } from '../outbox/losses.ts';
import { nextSeq } from '../outbox/read-backlog.ts';
import type { DeviceRun } from './device-run.ts';

/** Says at once, with every start, that captured blocks are gone of which no note stands in the log yet. */
export function tellShortening({ parts }: DeviceRun): void {
  const lost = readUnnotedLosses(parts.outbox);
  if (lost !== null) parts.report({ event: 'shortened', ...lost });
}

/**
 * Leaves a note in the log of captured blocks that are gone from the outbox, once the log was compared: what it has of them
 * after all was adopted, and is not missing.
 */
export function noteShortening(run: DeviceRun): void {
  const { outbox, clock } = run.parts;
  const lost = readUnnotedLosses(outbox);
  if (lost === null) return;
  const nowMs = clock.nowMs();
  outbox.commit(() => {
    takeUnnotedLosses(outbox, nowMs);
    if (lost.blocks === 0) return;
    const fromMs = lastCaptureTime(outbox)?.at ?? nowMs;
    const gap = {
      ...{ droppedBlocks: lost.blocks, droppedBytes: lost.bytes, fromMs, toMs: Math.max(fromMs, nowMs) },
      ...{ files: new Set<string>(), reason: 'shortened' as const },
    };
    insertGap(outbox, nextSeq(outbox), gap, { beginsStretch: false, nowMs });
  });
  run.backlog.recount();
}
