import { nodePrimitives } from '../adapters/crypto/node-primitives.ts';
import { nodeTransfer } from '../adapters/http/node-transfer.ts';
import { nodeRuntime } from '../adapters/runtime/node-runtime.ts';
import type { SaleParts } from '../client/sale/sale-parts.ts';
import { RequestRefusedError, StoreUnavailableError } from '../core/errors.ts';
import { fetchFront } from '../device/log/fetch-front.ts';

/**
 * Reads the front of a segment only. That there is none is one thing, that the service does not let us in another.
 * @throws StoreUnavailableError when the service does not give it; SegmentError when what it gives is none
 */
export const fetchManifest: SaleParts['fetchManifest'] = async (service, dataset, first, signal) => {
  const getSegment: typeof service.getSegment = (...call) =>
    service.getSegment(...call).catch((cause) => {
      if (!(cause instanceof RequestRefusedError) || cause.status === 404) throw cause;
      throw new StoreUnavailableError(
        `The service did not return the segment of block ${first}: ${cause.shortMessage}`,
        {
          cause,
        },
      );
    });
  const parts = { primitives: nodePrimitives, runtime: nodeRuntime, transfer: nodeTransfer, service: { getSegment } };
  const fetched = await fetchFront(parts, dataset, first, signal);
  return fetched?.front.manifest ?? null;
};
