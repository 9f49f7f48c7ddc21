import type { Manifest } from '../../core/batch/manifest-fields.ts';
import { readSegmentFront } from '../../core/batch/read-segment.ts';
import { equalBytes } from '../../core/bytes.ts';
import { MAX_SEGMENT_BYTES } from '../../core/limits.ts';
import type { StorageService } from '../../core/ports/service.ts';
import type { Transfer } from '../../core/ports/transfer.ts';
import { rebuildSegment } from '../log/rebuild-segment.ts';
import { readFront, type SealedRow } from '../outbox/batch-rows.ts';
import { isMendable } from '../outbox/errors.ts';
import { type UploadParts, uploadBatch } from '../upload/upload-batch.ts';
import { checkBatch, NotProvenError } from './check-batch.ts';

export interface ProveParts extends UploadParts {
  readonly service: Pick<StorageService, 'uploadSegment' | 'putCharter' | 'proveChunks' | 'getSegment'>;
  readonly transfer: Pick<Transfer, 'put' | 'get'>;
}

/**
 * Has the storage prove a batch of the outbox. One that it does not prove is offered to it once more, as it may have lost
 * it since, and is to be proven at the next attempt.
 * @throws NotProvenError | StoreUnavailableError
 */
export async function proveStored(
  parts: ProveParts,
  row: SealedRow,
  options: { readonly stallMs: number },
  signal: AbortSignal,
): Promise<void> {
  const { primitives, outbox, writer } = parts;
  if (row.adopted) {
    await checkBatch(parts, readSegmentFront(primitives, readFront(outbox, row.first)).manifest, signal);
    return;
  }
  if (row.serial !== writer.serial) {
    await checkWhole(parts, row, signal);
    return;
  }
  // Of the segment only the manifest is kept while the storage answers.
  const manifest = await manifestOf(parts, row);
  if (manifest === null) {
    await checkWhole(parts, row, signal);
    return;
  }
  try {
    await checkBatch(parts, manifest, signal);
  } catch (cause) {
    signal.throwIfAborted();
    if (cause instanceof NotProvenError) await uploadBatch(parts, row, null, options, signal);
    throw cause;
  }
}

/** Null where its blocks are damaged on this disk: the storage has them, or nobody. */
async function manifestOf(parts: ProveParts, row: SealedRow): Promise<Manifest | null> {
  try {
    return (await rebuildSegment(parts, row)).manifest;
  } catch (cause) {
    if (isMendable(cause)) return null;
    throw cause;
  }
}

/**
 * A batch that cannot be made again here: a former device sealed it, with keys that are gone, or its blocks are damaged. What
 * the storage gives back must be the very bytes.
 */
async function checkWhole(parts: ProveParts, { first, sha256 }: SealedRow, signal: AbortSignal): Promise<void> {
  const { get } = await parts.service.getSegment(parts.writer.dataset, first, signal);
  const { status, body } = await parts.transfer.get(get, signal);
  const pieces: Uint8Array[] = [];
  let length = 0;
  for await (const piece of body) {
    length += piece.length;
    if (length > MAX_SEGMENT_BYTES) break;
    pieces.push(piece);
  }
  if (status === 200 && equalBytes(parts.primitives.sha256(Buffer.concat(pieces)), sha256)) return;
  throw new NotProvenError(`The storage returned the batch at block ${first} changed.`);
}
