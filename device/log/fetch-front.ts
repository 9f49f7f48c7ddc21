import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { frontBytesOf, MAX_FRONT_BYTES, readSegmentFront, type SegmentFront } from '../../core/batch/segment.ts';
import { concatBytes } from '../../core/bytes.ts';
import { RequestRefusedError, StoreUnavailableError } from '../../core/errors.ts';
import type { DatasetId } from '../../core/ids.ts';
import type { PresignedRequest } from '../../core/ports/object-store.ts';
import type { Primitives } from '../../core/ports/primitives.ts';
import type { StorageService } from '../../core/ports/service.ts';

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

/**
 * The front of the stored segment that begins at block `first`: its manifest, without its blocks; null when the service
 * gives none there, or its object is gone. What it says is not verified here beyond its form.
 * @throws StoreUnavailableError | SegmentError
 */
export async function fetchFront(
  parts: { readonly primitives: Pick<Primitives, 'sha256'>; readonly service: Pick<StorageService, 'getSegment'> },
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
  const bytes = await readFront(get, AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]));
  if (bytes === null) return null;
  const front = readSegmentFront(parts.primitives, bytes);
  const sha256Hex = /([0-9a-f]{64})\.car$/.exec(key)?.[1] ?? '';
  return { front, bytes, segmentBytes: sizeBytes, sha256Hex };
}

/** Reads until the front is complete, then hangs up: the blocks may be 32 MiB. */
function readFront(get: PresignedRequest, signal: AbortSignal): Promise<Uint8Array | null> {
  const url = new URL(get.url);
  const request = url.protocol === 'https:' ? httpsRequest : httpRequest;
  return new Promise((resolve, reject) => {
    const fail = (cause: unknown): void =>
      reject(new StoreUnavailableError(`The object store at ${url.origin} does not give a segment.`, { cause }));
    const sent = request(url, { method: 'GET', headers: get.headers, signal }, (response) => {
      if (response.statusCode !== 200) {
        response.resume();
        if (response.statusCode === 404) resolve(null);
        else fail(new Error(`status ${response.statusCode}`));
        return;
      }
      const parts: Uint8Array[] = [];
      let length = 0;
      let wanted = LENGTH_BYTES;
      let known = false;
      response.on('data', (part: Buffer) => {
        parts.push(part);
        length += part.length;
        try {
          if (!known && length >= wanted) {
            wanted = Math.min(frontBytesOf(concatBytes(...parts)), MAX_FRONT_BYTES);
            known = true;
          }
        } catch (cause) {
          sent.destroy();
          reject(cause);
          return;
        }
        if (!known || length < wanted) return;
        resolve(concatBytes(...parts).slice(0, wanted));
        sent.destroy();
      });
      response.on('end', () => resolve(concatBytes(...parts)));
      response.on('error', fail);
    });
    sent.on('error', fail);
    sent.end();
  });
}
