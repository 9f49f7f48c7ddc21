import type { Exchange, S3Service } from './exchange.ts';
import { refuseUnknown } from './exchange.ts';
import {
  type Checksums,
  checksumHeaders,
  contentLength,
  type PutCondition,
  parseChecksums,
  parsePutCondition,
  systemHeaders,
  userMetadata,
} from './object-headers.ts';
import { objectPath } from './object-path.ts';
import { commitEntry, nextSequencer, type ObjectMeta, openObject, readMeta, withObject } from './open-store.ts';
import { discardUpload, receiveBody, type Upload } from './receive-body.ts';
import { noSuchKey, S3Error } from './s3-error.ts';
import { makeEvent } from './s3-event.ts';

const MAX_PENDING_EVENTS = 20_000;
/**
 * PutObject. The object is there, whole and on the disk, when this answers 200, and not at all otherwise.
 *
 * @throws {S3Error}
 */
export async function putObject(service: S3Service, exchange: Exchange, bucket: string, key: string): Promise<void> {
  const { headers } = exchange.request;
  refuseUnknown(exchange.request, {
    query: [],
    headers: ['x-amz-checksum-sha256'],
    headerPrefix: 'x-amz-meta-',
  });
  const sizeBytes = contentLength(headers, service.maxObjectBytes);
  const condition = parsePutCondition(headers);
  const expected = parseChecksums(headers);
  const kept = { systemHeaders: systemHeaders(headers), userMetadata: userMetadata(headers) };
  if (service.listening && service.pendingEvents() >= MAX_PENDING_EVENTS) {
    throw new S3Error('SlowDown', 503, `${MAX_PENDING_EVENTS} events wait to be taken. Try again later.`);
  }
  await checkCondition(service, bucket, key, condition); // Spares the sender an upload that cannot succeed.
  exchange.askForBody();
  const upload = await receiveBody(service.store, exchange.incoming, sizeBytes);
  let decided = false;
  try {
    checkBody(exchange, expected, upload);
    const meta = await withObject(service.store, bucket, key, async () => {
      const current = await checkCondition(service, bucket, key, condition);
      const nowMs = service.nowMs();
      const sequencer = nextSequencer(service.store, nowMs, current?.sequencer);
      const stored: ObjectMeta = {
        etag: upload.md5.toString('hex'),
        lastModifiedMs: nowMs,
        sequencer,
        ...kept,
        checksums: {
          ...(expected.sha256 === undefined ? {} : { sha256: expected.sha256.toString('base64') }),
          ...(expected.crc32 === undefined ? {} : { crc32: expected.crc32.toString('base64') }),
        },
      };
      const event = makeEvent({
        eventName: 'ObjectCreated:Put',
        region: service.region,
        atMs: nowMs,
        requestId: exchange.requestId,
        accessKey: service.accessKey,
        bucket,
        key,
        stored: { sizeBytes, etag: stored.etag },
        sequencer,
      });
      decided = true;
      await commitEntry(
        service.store,
        { operation: 'put', bucket, key, upload: upload.name, sequencer, event: service.listening ? event : null },
        stored,
      );
      return stored;
    });
    exchange.response.writeHead(200, { etag: `"${meta.etag}"`, ...checksumHeaders(meta), 'content-length': 0 });
    exchange.response.end();
  } finally {
    if (!decided) await discardUpload(service.store, upload.name);
  }
}

/** Returns what is remembered of the present object, to be called again inside the lock. */
async function checkCondition(
  service: S3Service,
  bucket: string,
  key: string,
  condition: PutCondition,
): Promise<ObjectMeta | null> {
  const current = await openObject(service.store, bucket, key);
  await current?.handle.close();
  const failed = new S3Error(
    'PreconditionFailed',
    412,
    'At least one of the pre-conditions you specified did not hold.',
  );
  if (condition.kind === 'absent' && current !== null) throw failed;
  if (condition.kind === 'matches') {
    if (current === null) throw noSuchKey();
    if (current.meta.etag !== condition.etag) throw failed;
  }
  return current?.meta ?? (await readMeta(objectPath(service.store.dataDir, bucket, key)));
}

function checkBody(exchange: Exchange, expected: Checksums, upload: Upload): void {
  const { payload } = exchange.request;
  if (payload.kind === 'sha256' && upload.sha256.toString('hex') !== payload.sha256Hex) {
    throw new S3Error('XAmzContentSHA256Mismatch', 400, 'The body is not the one that was signed.');
  }
  for (const name of ['md5', 'sha256', 'crc32'] as const) {
    if (expected[name]?.equals(upload[name]) === false) {
      throw new S3Error('BadDigest', 400, `The ${name} you specified did not match the calculated checksum.`);
    }
  }
}
