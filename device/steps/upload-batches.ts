import { moveBatch } from '../outbox/batch-rows.ts';
import { uploadBatch } from '../upload/upload-batch.ts';
import type { DeviceRun } from './device-run.ts';

/** One look of a connection: uploads the oldest sealed batch that no other connection has. */
export async function uploadBatches(run: DeviceRun, signal: AbortSignal): Promise<number> {
  const { parts, options, uploads } = run;
  const next = uploads.take();
  if (next === null) return Number.POSITIVE_INFINITY;
  const { row, fresh } = next;
  try {
    const { again } = await uploadBatch(parts, row, fresh, options, signal);
    if (moveBatch(parts.outbox, row, 'sealed', 'stored')) {
      const { first, blocks, segmentBytes } = row;
      parts.report({ event: 'stored', first, blocks, bytes: segmentBytes, again });
      run.wake('follow', 'record');
    }
  } finally {
    uploads.giveBack(row);
  }
  return 0;
}
