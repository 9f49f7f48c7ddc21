import { frontBytesOf, MAX_FRONT_BYTES, readSegmentFront, type SegmentFront } from '../../core/batch/read-segment.ts';
import { parseSegmentKey } from '../../core/batch/segment-key.ts';
import { concatBytes } from '../../core/bytes.ts';
import { AnswerError, RequestRefusedError, StoreUnavailableError } from '../../core/errors.ts';
import type { DatasetId } from '../../core/ids.ts';
import type { PresignedRequest } from '../../core/ports/object-store.ts';
import type { Primitives } from '../../core/ports/primitives.ts';
import type { Runtime } from '../../core/ports/runtime.ts';
import type { StorageService } from '../../core/ports/service.ts';
import type { Transfer } from '../../core/ports/transfer.ts';

// Header, the longest varint, and the CID: enough to know the front's length.
const LENGTH_BYTES = 98;
const TIMEOUT_MS = 30_000;

export interface FetchedFront {
  readonly front: SegmentFront;
  /** The front's bytes, as stored. */
  readonly bytes: Uint8Array;
  readonly segmentBytes: number;
  /** As the key says; only whoever reads the whole segment could verify it. */
  readonly sha256Hex: string;
}

export interface FetchParts {
  readonly primitives: Pick<Primitives, 'sha256'>;
  readonly runtime: Pick<Runtime, 'timeout'>;
  readonly transfer: Pick<Transfer, 'get'>;
  readonly service: Pick<StorageService, 'getSegment'>;
}

/**
 * The front of the stored segment that begins at block `first`: its manifest, without its blocks; null when the service
 * gives none there, or its object is gone. What it says is not verified here beyond its form.
 * @throws StoreUnavailableError | SegmentError
 * @throws AnswerError when the service names something else than that segment
 */
export async function fetchFront(
  parts: FetchParts,
  dataset: DatasetId,
  first: number,
  signal: AbortSignal,
): Promise<FetchedFront | null> {
  const given = await parts.service.getSegment(dataset, first, signal).catch((cause) => {
    if (cause instanceof RequestRefusedError) return null;
    throw cause;
  });
  if (given === null) return null;
  const { key, get, sizeBytes } = given;
  const named = parseSegmentKey(key);
  if (named === null || named.dataset !== dataset || named.first !== first) {
    throw new AnswerError(
      `Asked for the segment at block ${first}, the service named a different object at ${new URL(get.url).origin}.`,
    );
  }
  const bytes = await readFront(parts.transfer, get, AbortSignal.any([signal, parts.runtime.timeout(TIMEOUT_MS)]));
  if (bytes === null) return null;
  const front = readSegmentFront(parts.primitives, bytes);
  return { front, bytes, segmentBytes: sizeBytes, sha256Hex: named.sha256Hex };
}

/** Reads until the front is complete, then hangs up: the blocks may be 32 MiB. Null when there is no such object. */
async function readFront(
  transfer: Pick<Transfer, 'get'>,
  get: PresignedRequest,
  signal: AbortSignal,
): Promise<Uint8Array | null> {
  const { status, body } = await transfer.get(get, signal);
  if (status === 404) return null;
  if (status !== 200) {
    throw new StoreUnavailableError(`The object store at ${new URL(get.url).origin} did not return a segment.`, {
      details: { status },
    });
  }
  const pieces: Uint8Array[] = [];
  let length = 0;
  let wanted: number | null = null;
  for await (const piece of body) {
    pieces.push(piece);
    length += piece.length;
    if (wanted === null && length >= LENGTH_BYTES) {
      wanted = Math.min(frontBytesOf(concatBytes(...pieces)), MAX_FRONT_BYTES);
    }
    if (wanted !== null && length >= wanted) return concatBytes(...pieces).slice(0, wanted);
  }
  return concatBytes(...pieces);
}
