import type { ErrorKind } from '../../core/errors.ts';
import type { Runtime } from '../../core/ports/runtime.ts';
import { OutboxUnavailableError } from './errors.ts';
import type { Outbox } from './open-outbox.ts';

/** What the device does, each on its own: a failure of one never stops another. */
export type StepName =
  | 'provision'
  | 'outbox'
  | 'source'
  | 'scan'
  | 'hold'
  | 'look'
  | 'watch'
  | 'capture'
  | 'compare'
  | 'seal'
  | 'upload'
  | 'record'
  | 'anchorer'
  | 'follow'
  | 'check'
  | 'publish';

// The disk is for data: a step that fails for days writes its reason once a minute at most.
const REPEAT_MS = 60_000;

/** Why a step does not do its work now. */
export interface StepFailure {
  readonly reason: string;
  readonly failures: number;
  /** Of the error: it says whose turn it is. A defect where that is not known. */
  readonly kind?: ErrorKind;
}

/**
 * Keeps a step's last failure for `plumb device status`; null when it works again. Where the outbox cannot be written, its
 * mark keeps it: a step that fails by the disk must not fail once more by saying so.
 */
export function noteStep(
  parts: { readonly runtime: Pick<Runtime, 'nowMs'>; readonly outbox: Outbox },
  step: StepName,
  failure: StepFailure | null,
): void {
  const { runtime, outbox } = parts;
  try {
    writeStep(parts, step, failure);
    if (!outbox.hasTrouble()) return;
    // A step that works without writing says nothing of the disk: only a commit does.
    outbox.commit(() => {});
    outbox.noteTrouble(null);
  } catch (cause) {
    if (!(cause instanceof OutboxUnavailableError)) throw cause;
    // What the disk says, not what the step failed by: that may be something else.
    outbox.noteTrouble({ step, atMs: wholeMs(runtime), reason: cause.shortMessage });
  }
}

function writeStep(
  { runtime, outbox }: Parameters<typeof noteStep>[0],
  step: StepName,
  failure: StepFailure | null,
): void {
  const row = outbox.sql('SELECT since_ms, at_ms, reason FROM steps WHERE step = ?').get(step);
  if (failure === null) {
    if (row !== undefined) outbox.sql('DELETE FROM steps WHERE step = ?').run(step);
    return;
  }
  const nowMs = wholeMs(runtime);
  const age = nowMs - ((row?.at_ms as number | undefined) ?? 0);
  if (row?.reason === failure.reason && age >= 0 && age < REPEAT_MS) return;
  const sinceMs = (row?.since_ms as number | undefined) ?? nowMs;
  outbox
    .sql('INSERT OR REPLACE INTO steps (step, since_ms, at_ms, failures, reason, kind) VALUES (?, ?, ?, ?, ?, ?)')
    .run(step, sinceMs, nowMs, failure.failures, failure.reason.slice(0, 1000), failure.kind ?? 'defect');
}

function wholeMs(runtime: Pick<Runtime, 'nowMs'>): number {
  const nowMs = Math.floor(runtime.nowMs());
  return Number.isSafeInteger(nowMs) ? nowMs : 0;
}
