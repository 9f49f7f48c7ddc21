import type { DatasetWriter } from '../../core/batch/seal-batch.ts';
import type { SignedCharter } from '../../core/charter/charter.ts';
import { RequestRefusedError } from '../../core/errors.ts';
import type { StorageService } from '../../core/ports/service.ts';

/**
 * Asks the service for something; where it refuses, it may not know the dataset yet, as nothing but the owner's signature has
 * made it. Then it is shown the charter, and asked once more.
 * @throws RequestRefusedError what it refused with, when it knows the charter; else its word on the charter
 */
export async function withCharterShown<T>(
  parts: {
    readonly charter: SignedCharter;
    readonly writer: Pick<DatasetWriter, 'dataset'>;
    readonly service: Pick<StorageService, 'putCharter'>;
  },
  ask: () => Promise<T>,
  signal: AbortSignal,
): Promise<T> {
  try {
    return await ask();
  } catch (cause) {
    const { charter, writer, service } = parts;
    if (!mayNotKnowDataset(cause) || charter.signature === null) throw cause;
    const { stored } = await service.putCharter(writer.dataset, charter, signal);
    if (!stored) throw cause;
    return ask();
  }
}

function mayNotKnowDataset(cause: unknown): boolean {
  return cause instanceof RequestRefusedError && (cause.status === 403 || cause.status === 404);
}
