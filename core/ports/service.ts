import type { DatasetId } from '../ids.ts';
import type {
  BatchLine,
  GetSegmentResponse,
  ListBatchesResponse,
  PublishSegmentResponse,
  UploadSegmentResponse,
} from '../wire/requests.ts';
import type { CssN, CssY, RecordSource } from './css.ts';

export type { BatchLine };

/**
 * The cloud storage service as its callers see it (design §6). Throws StoreUnavailableError when it does not answer in
 * time or answers 5xx, RequestRefusedError when it answers 4xx.
 */
export interface StorageService extends CssY, CssN, RecordSource {
  uploadSegment(
    dataset: DatasetId,
    segment: { first: number; sha256: Uint8Array; sizeBytes: number; record?: 'relayed' | 'direct' },
    signal?: AbortSignal,
  ): Promise<UploadSegmentResponse>;
  listBatches(
    dataset: DatasetId,
    query: { by?: 'block' | 'time'; from?: number; to?: number; cursor?: string; limit?: number },
    signal?: AbortSignal,
  ): Promise<ListBatchesResponse>;
  getSegment(dataset: DatasetId, first: number, signal?: AbortSignal): Promise<GetSegmentResponse>;
}

/** The service's way into IPFS, for an owner; throws like StorageService. Repeating it changes nothing. */
export interface SegmentPublisher {
  publishSegment(dataset: DatasetId, first: number, signal?: AbortSignal): Promise<PublishSegmentResponse>;
}
