import { PlumblineError } from '../../core/errors.ts';
import { proveStored } from '../check/prove-stored.ts';
import { batchesIn, isSealed } from '../outbox/batch-rows.ts';
import { releaseBatch } from '../outbox/release-blocks.ts';
import type { DeviceRun } from './device-run.ts';

/**
 * Has the storage prove every batch that is final, and lets go of the bytes of those that it proves.
 * @throws what the first one failed with that is not proven, when all were tried
 */
export async function checkBatches(run: DeviceRun, signal: AbortSignal): Promise<number> {
  const { parts, options, sourceParts } = run;
  let failure: unknown = null;
  for (const row of batchesIn(parts.outbox, 'final', Number.MAX_SAFE_INTEGER)) {
    if (signal.aborted) return 0;
    if (!isSealed(row)) continue;
    try {
      // Adopted without any block of ours: no bytes here depend on it.
      if (row.toSeq > row.fromSeq) await proveStored(parts, row, options, signal);
    } catch (cause) {
      // Nobody who could prove anything answers: the others are not tried either.
      if (cause instanceof PlumblineError && cause.kind === 'unavailable') throw cause;
      failure ??= cause;
      continue;
    }
    releaseBatch(parts.outbox, row, parts.clock.nowMs());
    parts.report({ event: 'checked', first: row.first, blocks: row.blocks });
    sourceParts.queue.retry();
    parts.source.released?.(sourceParts);
  }
  run.wake('seal');
  if (failure !== null) throw failure;
  return Number.POSITIVE_INFINITY;
}
