import type { SealedBatch } from '../../core/batch/seal-batch.ts';
import { equalBytes } from '../../core/bytes.ts';
import { batchAt, isSealed, type SealedRow } from '../outbox/batch-rows.ts';
import { BatchDamagedError, BatchReplacedError } from '../outbox/errors.ts';
import { makeBatch, type SealingParts } from './make-batch.ts';

/**
 * A sealed batch's segment once more, byte for byte.
 * @throws BlocksDamagedError | BatchDamagedError when it comes out different from what was sealed
 * @throws BatchReplacedError when a fork was resolved meanwhile
 */
export async function rebuildSegment(parts: SealingParts, row: SealedRow): Promise<SealedBatch> {
  let failure: unknown;
  try {
    const sealed = await makeBatch(parts, row);
    if (equalBytes(sealed.segment.sha256, row.sha256)) return sealed;
  } catch (cause) {
    failure = cause;
  }
  const current = batchAt(parts.outbox, row.first);
  if (current === null || !isSealed(current) || !equalBytes(current.sha256, row.sha256)) {
    throw new BatchReplacedError(`Another batch has meanwhile replaced the one at block ${row.first}.`);
  }
  throw (
    failure ??
    new BatchDamagedError(`Rebuilding the batch at block ${row.first} gave different bytes from when it was sealed.`, 0)
  );
}
