import { readSegmentFront } from '../../core/batch/segment.ts';
import type { StorageService } from '../../core/ports/service.ts';
import { rebuildSegment } from '../log/rebuild-segment.ts';
import { readFront, type SealedRow } from '../outbox/batch-rows.ts';
import { type UploadParts, uploadBatch } from '../upload/upload-batch.ts';
import { checkBatch, NotProvenError } from './check-batch.ts';

/**
 * Has the storage prove a batch of the outbox. One that it does not prove is offered to it once more, as it may have lost
 * it since, and is to be proven at the next attempt.
 * @throws NotProvenError | StoreUnavailableError
 */
export async function proveStored(
  parts: UploadParts & { readonly service: Pick<StorageService, 'uploadSegment' | 'proveChunks'> },
  row: SealedRow,
  options: { readonly stallMs: number },
  signal: AbortSignal,
): Promise<void> {
  const { primitives, outbox } = parts;
  if (row.adopted) {
    await checkBatch(parts, readSegmentFront(primitives, readFront(outbox, row.position)).manifest, signal);
    return;
  }
  // Of the segment only the manifest is kept while the storage answers.
  const { manifest } = await rebuildSegment(parts, row);
  try {
    await checkBatch(parts, manifest, signal);
  } catch (cause) {
    signal.throwIfAborted();
    if (cause instanceof NotProvenError) await uploadBatch(parts, row, null, options, signal);
    throw cause;
  }
}
