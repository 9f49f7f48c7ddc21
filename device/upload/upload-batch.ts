import type { SealedBatch } from '../../core/batch/seal-batch.ts';
import type { SignedCharter } from '../../core/charter/charter.ts';
import type { StorageService } from '../../core/ports/service.ts';
import type { Transfer } from '../../core/ports/transfer.ts';
import type { DeviceClock } from '../clock.ts';
import type { SealingParts } from '../log/make-batch.ts';
import { rebuildSegment } from '../log/rebuild-segment.ts';
import type { SealedRow } from '../outbox/batch-rows.ts';
import { putObject } from './put-object.ts';
import { withCharterShown } from './show-charter.ts';

export interface UploadParts extends SealingParts {
  readonly service: Pick<StorageService, 'uploadSegment' | 'putCharter'>;
  readonly charter: SignedCharter;
  readonly transfer: Pick<Transfer, 'put'>;
  readonly clock: DeviceClock;
  /** Who records: told to the service, which then pays for nothing that the device records by itself. */
  readonly record: 'relayed' | 'direct';
}

/** Presigned uploads are good for 15 minutes (specification#functions): their end tells the service's time. */
const PRESIGNED_MS = 15 * 60_000;

/**
 * Brings a sealed batch into the store: asks for a presigned PUT, sends the segment. Any step may be repeated, as the
 * object's name is its hash.
 * @param fresh the batch as it was just sealed, when it is still at hand
 * @returns whether it was there already
 */
export async function uploadBatch(
  parts: UploadParts,
  row: SealedRow,
  fresh: SealedBatch | null,
  options: { readonly stallMs: number },
  signal: AbortSignal,
): Promise<{ readonly again: boolean }> {
  const { first, sha256, segmentBytes: sizeBytes } = row;
  const segment = { first, sha256, sizeBytes, record: parts.record };
  const ask = () => parts.service.uploadSegment(parts.writer.dataset, segment, signal);
  const { put } = await withCharterShown(parts, ask, signal);
  if (put === null) return { again: true };
  parts.clock.compare(put.expiresAtMs - PRESIGNED_MS);
  const { car } = (fresh ?? (await rebuildSegment(parts, row))).segment;
  return { again: (await putObject(parts.transfer, put, car, options, signal)) === 'present' };
}
