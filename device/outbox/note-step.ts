import type { Runtime } from '../../core/ports/runtime.ts';
import type { Outbox } from './open-outbox.ts';

/** What the device does, each on its own: a failure of one never stops another. */
export type StepName = 'source' | 'capture' | 'compare' | 'seal' | 'upload' | 'record' | 'follow' | 'check' | 'publish';

// The disk is for data: a step that fails for days writes its reason once a minute at most.
const REPEAT_MS = 60_000;

/** Keeps a step's last failure for `plumb device status`; null when it works again. */
export function noteStep(
  parts: { readonly runtime: Pick<Runtime, 'nowMs'>; readonly outbox: Outbox },
  step: StepName,
  failure: { readonly reason: string; readonly failures: number } | null,
): void {
  const { runtime, outbox } = parts;
  const row = outbox.sql('SELECT at_ms, reason FROM steps WHERE step = ?').get(step);
  if (failure === null) {
    if (row !== undefined) outbox.sql('DELETE FROM steps WHERE step = ?').run(step);
    return;
  }
  const nowMs = runtime.nowMs();
  const age = nowMs - ((row?.at_ms as number | undefined) ?? 0);
  if (row?.reason === failure.reason && age >= 0 && age < REPEAT_MS) return;
  outbox
    .sql('INSERT OR REPLACE INTO steps (step, at_ms, failures, reason) VALUES (?, ?, ?, ?)')
    .run(step, nowMs, failure.failures, failure.reason.slice(0, 1000));
}
