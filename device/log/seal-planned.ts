import type { SealedBatch } from '../../core/batch/seal-batch.ts';
import { type PlannedBatch, type SealedRow, updateSealed } from '../outbox/batch-rows.ts';
import { makeBatch, type SealingParts } from './make-batch.ts';

/** Makes a planned batch's segment and writes down its head and signature: the receipt that exists at once. */
export async function sealPlanned(
  parts: SealingParts,
  planned: PlannedBatch,
): Promise<{ row: SealedRow; sealed: SealedBatch }> {
  const sealed = await makeBatch(parts, planned);
  const row: SealedRow = {
    ...planned,
    state: 'sealed',
    sha256: sealed.segment.sha256,
    segmentBytes: sealed.segment.car.length,
    salt: sealed.leaf.salt,
    batchRoot: sealed.leaf.batchRoot,
    root: sealed.manifest.head.root,
    signature: sealed.manifest.signature,
    frontier: sealed.end.frontier,
    adopted: false,
  };
  parts.outbox.commit(() => updateSealed(parts.outbox, row, null));
  return { row, sealed };
}
