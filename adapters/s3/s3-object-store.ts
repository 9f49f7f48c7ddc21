import {
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
  S3ServiceException,
} from '@aws-sdk/client-s3';
import { getSignedUrl } from '@aws-sdk/s3-request-presigner';
import { ArgumentError, StoreUnavailableError } from '../../core/errors.ts';
import type { DatedKey, DatedLister, ObjectRemover, ObjectStore, ObjectWriter } from '../../core/ports/object-store.ts';
import { KeyedSha256 } from '../crypto/keyed-sha256.ts';
import { withDeadline } from '../with-deadline.ts';

export interface S3Options {
  readonly region: string;
  readonly bucket: string;
  /** Null for AWS's own; another is asked path style. */
  readonly endpoint: string | null;
  /** Null for the environment's (Lambda's role). */
  readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string } | null;
  /** For one call; for streams, for each wait for bytes. */
  readonly timeoutMs?: number;
}

export const SEGMENT_CONTENT_TYPE = 'application/vnd.ipld.car';
const DEFAULT_TIMEOUT_MS = 15_000;
// In the query instead of the headers, a checksum or a condition binds nothing: they must be signed as headers.
const PUT_HEADERS = ['host', 'content-length', 'content-type', 'x-amz-checksum-sha256', 'if-none-match'];

/** Segments in S3, or in anything that speaks its protocol. */
export function createS3ObjectStore(
  options: S3Options,
): ObjectStore & DatedLister & ObjectWriter & ObjectRemover & { close(): void } {
  const { bucket: Bucket, timeoutMs = DEFAULT_TIMEOUT_MS } = options;
  const client = createClient(options);
  const bounded = { bucket: Bucket, timeoutMs };

  const size: ObjectStore['size'] = (key, signal) =>
    withinTime(
      bounded,
      async (abortSignal) => {
        try {
          const { ContentLength } = await client.send(new HeadObjectCommand({ Bucket, Key: key }), { abortSignal });
          return ContentLength ?? 0;
        } catch (error) {
          if (isMissing(error)) return null;
          throw error;
        }
      },
      signal,
    );

  async function* listDated(prefix: string, signal?: AbortSignal, after?: string): AsyncGenerator<DatedKey> {
    let token: string | undefined;
    do {
      const page = await withinTime(
        bounded,
        (abortSignal) =>
          client.send(
            new ListObjectsV2Command({ Bucket, Prefix: prefix, StartAfter: after, ContinuationToken: token }),
            { abortSignal },
          ),
        signal,
      );
      for (const { Key: key, LastModified } of page.Contents ?? []) {
        // A store that does not say it has nothing young.
        if (key !== undefined) yield { key, storedAtMs: LastModified?.getTime() ?? 0 };
      }
      token = page.IsTruncated === true ? page.NextContinuationToken : undefined;
    } while (token !== undefined);
  }

  const stream: ObjectStore['stream'] = async (key, { start, end }, signal) => {
    requireRange(start, end);
    if (start === end) return (await size(key, signal)) === null ? null : pieces([]);
    return withinTime(
      bounded,
      async (abortSignal) => {
        const command = new GetObjectCommand({ Bucket, Key: key, Range: `bytes=${start}-${end - 1}` });
        try {
          const { Body } = await client.send(command, { abortSignal });
          return readBody(bounded, Body as AsyncIterable<Uint8Array>, end - start, signal);
        } catch (error) {
          if (isMissing(error)) return null;
          // 416: the object ends before the range begins.
          if (error instanceof S3ServiceException && error.$metadata.httpStatusCode === 416) return pieces([]);
          throw error;
        }
      },
      signal,
    );
  };

  return {
    size,
    stream,

    listDated,

    async read(key, range, signal) {
      const streamed = await stream(key, range, signal);
      if (streamed === null) return null;
      const parts: Uint8Array[] = [];
      for await (const part of streamed) parts.push(part);
      // A Buffer is not the Uint8Array that deep comparison and dag-cbor expect.
      const joined = Buffer.concat(parts);
      return new Uint8Array(joined.buffer, joined.byteOffset, joined.byteLength);
    },

    async *list(...asked) {
      for await (const { key } of listDated(...asked)) yield key;
    },

    put(key, bytes, signal) {
      return withinTime(
        bounded,
        async (abortSignal) => {
          const command = new PutObjectCommand({
            Bucket,
            Key: key,
            Body: bytes,
            ContentLength: bytes.length,
            ContentType: 'application/octet-stream',
            IfNoneMatch: '*',
          });
          try {
            await client.send(command, { abortSignal });
            return true;
          } catch (error) {
            // 412: it is there.
            if (error instanceof S3ServiceException && error.$metadata.httpStatusCode === 412) return false;
            throw error;
          }
        },
        signal,
      );
    },

    async remove(key, signal) {
      await withinTime(
        bounded,
        (abortSignal) => client.send(new DeleteObjectCommand({ Bucket, Key: key }), { abortSignal }),
        signal,
      );
    },

    async presignPut({ key, sizeBytes, sha256 }, expiresSeconds) {
      const checksum = Buffer.from(sha256).toString('base64');
      const expiresAtMs = Date.now() + expiresSeconds * 1000;
      const command = new PutObjectCommand({
        Bucket,
        Key: key,
        ChecksumSHA256: checksum,
        ContentLength: sizeBytes,
        ContentType: SEGMENT_CONTENT_TYPE,
        IfNoneMatch: '*',
      });
      const url = await getSignedUrl(client, command, {
        expiresIn: expiresSeconds,
        unhoistableHeaders: new Set(['x-amz-checksum-sha256', 'if-none-match']),
        signableHeaders: new Set(PUT_HEADERS),
      });
      const headers = {
        'content-length': String(sizeBytes),
        'content-type': SEGMENT_CONTENT_TYPE,
        'x-amz-checksum-sha256': checksum,
        'if-none-match': '*',
      };
      return { method: 'PUT', url, headers, expiresAtMs };
    },

    async presignGet(key, expiresSeconds) {
      const expiresAtMs = Date.now() + expiresSeconds * 1000;
      const url = await getSignedUrl(client, new GetObjectCommand({ Bucket, Key: key }), { expiresIn: expiresSeconds });
      return { method: 'GET', url, headers: {}, expiresAtMs };
    },

    close() {
      client.destroy();
    },
  };
}

function createClient({ region, endpoint, credentials, timeoutMs = DEFAULT_TIMEOUT_MS }: S3Options): S3Client {
  return new S3Client({
    region,
    ...(endpoint === null ? {} : { endpoint, forcePathStyle: true }),
    ...(credentials === null ? {} : { credentials }),
    // A checksum of the SDK's own choosing would stand beside the one that is signed.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    maxAttempts: 3,
    sha256: KeyedSha256,
    requestHandler: { connectionTimeout: 2000, requestTimeout: timeoutMs, throwOnRequestTimeout: true },
  });
}

interface Bounds {
  readonly bucket: string;
  readonly timeoutMs: number;
}

/** The body piece by piece: no more than asked for, and no wait longer than the timeout. */
async function* readBody(
  bounds: Bounds,
  body: AsyncIterable<Uint8Array>,
  mostBytes: number,
  signal?: AbortSignal,
): AsyncGenerator<Uint8Array> {
  const reader = body[Symbol.asyncIterator]();
  let sizeBytes = 0;
  try {
    for (;;) {
      const { done, value } = await withinTime(bounds, (abort) => orAbort(reader.next(), abort), signal);
      if (done) return;
      sizeBytes += value.length;
      if (sizeBytes > mostBytes) {
        throw new StoreUnavailableError(`The store sent more than the ${mostBytes} bytes of the range.`);
      }
      yield value;
    }
  } finally {
    // Whoever stops reading lets go of the connection; the stream may already be broken.
    (body as Partial<{ destroy(): void }>).destroy?.();
  }
}

function orAbort<T>(wait: Promise<T>, abort: AbortSignal): Promise<T> {
  const { promise, reject } = Promise.withResolvers<T>();
  const onAbort = () => reject(abort.reason);
  abort.addEventListener('abort', onAbort, { once: true });
  return Promise.race([wait, promise]).finally(() => abort.removeEventListener('abort', onAbort));
}

async function* pieces(list: readonly Uint8Array[]): AsyncGenerator<Uint8Array> {
  yield* list;
}

function requireRange(start: number, end: number): void {
  if (Number.isSafeInteger(start) && Number.isSafeInteger(end) && start >= 0 && start <= end) return;
  throw new ArgumentError(`There is no range from ${start} to ${end}.`);
}

function isMissing(error: unknown): boolean {
  return error instanceof S3ServiceException && (error.name === 'NoSuchKey' || error.name === 'NotFound');
}

function withinTime<T>(
  { bucket, timeoutMs }: Bounds,
  run: (abortSignal: AbortSignal) => Promise<T>,
  signal?: AbortSignal,
): Promise<T> {
  return withDeadline(timeoutMs, signal, run, (cause, timedOut) => {
    const said = cause instanceof Error ? cause.name : 'unknown error';
    const what = timedOut ? `did not answer within ${timeoutMs} ms` : `cannot be used now (${said})`;
    return new StoreUnavailableError(`The bucket ${bucket} ${what}.`, { cause, details: { bucket } });
  });
}
