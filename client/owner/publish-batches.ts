import { ArgumentError, StoreUnavailableError } from '../../core/errors.ts';
import type { DatasetId } from '../../core/ids.ts';
import type { SegmentPublisher, StorageService } from '../../core/ports/service.ts';
import { MAX_PAGE } from '../../core/wire/requests.ts';

/** A batch that is in IPFS now, under these names. */
export interface PublishedBatch {
  readonly first: number;
  readonly count: number;
  readonly root: string;
}

const MAX_PAGES = 10_000;

/**
 * Has the service import and pin every recorded batch that meets a range of blocks. Repeating it changes nothing.
 * @throws RequestRefusedError where the service has no IPFS; StoreUnavailableError when it does not answer
 *
 * @example
 * for await (const { first, count } of publishBatches(service, dataset, { from: 0, to: 3 })) console.log(first, count);
 */
export async function* publishBatches(
  service: Pick<StorageService, 'listBatches'> & SegmentPublisher,
  dataset: DatasetId,
  range: { readonly from: number; readonly to: number },
  signal?: AbortSignal,
): AsyncGenerator<PublishedBatch> {
  if (range.from > range.to) throw new ArgumentError(`There are no blocks from ${range.from} to ${range.to}.`);
  let cursor: string | undefined;
  for (let pages = 0; pages < MAX_PAGES; pages++) {
    const query = { by: 'block', ...range, limit: MAX_PAGE, ...(cursor === undefined ? {} : { cursor }) } as const;
    const { batches, next } = await service.listBatches(dataset, query, signal);
    for (const { first, count, state } of batches) {
      if (count === null || (state !== 'recorded' && state !== 'final')) continue;
      const { root } = await service.publishSegment(dataset, first, signal);
      yield { first, count, root };
    }
    if (next === null) return;
    cursor = next;
  }
  throw new StoreUnavailableError(`The storage has listed ${MAX_PAGES} pages of batches without coming to an end.`);
}
