import type { HeaderMap } from './canonical-request.ts';
import type { Exchange, S3Service } from './exchange.ts';
import { refuseUnknown } from './exchange.ts';
import { objectPath } from './object-path.ts';
import { commitEntry, nextSequencer, type ObjectMeta, openObject, readMeta, withObject } from './open-store.ts';
import { discardUpload, receiveBody, type Upload } from './receive-body.ts';
import { noSuchKey, notImplemented, S3Error } from './s3-error.ts';
import { makeEvent } from './s3-event.ts';

const MAX_METADATA_BYTES = 2048;
const MAX_PENDING_EVENTS = 20_000;
const KEPT_HEADERS = [
  'content-type',
  'content-encoding',
  'content-disposition',
  'content-language',
  'cache-control',
  'expires',
];

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
  const condition = parseCondition(headers);
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

/** The declared checksums of an object as answer headers. */
export function checksumHeaders(meta: ObjectMeta): Record<string, string> {
  const found: Record<string, string> = {};
  if (meta.checksums.sha256 !== undefined) found['x-amz-checksum-sha256'] = meta.checksums.sha256;
  if (meta.checksums.crc32 !== undefined) found['x-amz-checksum-crc32'] = meta.checksums.crc32;
  if (Object.keys(found).length > 0) found['x-amz-checksum-type'] = 'FULL_OBJECT';
  return found;
}

type Condition = { kind: 'none' } | { kind: 'absent' } | { kind: 'matches'; etag: string };

interface Checksums {
  readonly md5?: Buffer;
  readonly sha256?: Buffer;
  readonly crc32?: Buffer;
}

function contentLength(headers: HeaderMap, maxBytes: number): number {
  const encoding = headers.get('content-encoding') ?? '';
  if (encoding.includes('aws-chunked')) throw notImplemented('Content-Encoding aws-chunked');
  const text = headers.get('content-length');
  if (text === undefined || headers.has('transfer-encoding')) {
    throw new S3Error('MissingContentLength', 411, 'You must provide the Content-Length HTTP header.');
  }
  if (!/^[0-9]{1,15}$/.test(text))
    throw new S3Error('InvalidArgument', 400, 'Content-Length must be a decimal number.');
  const sizeBytes = Number(text);
  if (sizeBytes > maxBytes) {
    throw new S3Error('EntityTooLarge', 400, `The object has ${sizeBytes} bytes; at most ${maxBytes} are allowed.`);
  }
  return sizeBytes;
}

function parseCondition(headers: HeaderMap): Condition {
  const none = headers.get('if-none-match');
  const match = headers.get('if-match');
  if (none === undefined && match === undefined) return { kind: 'none' };
  if (none !== undefined && match !== undefined) throw notImplemented('If-Match next to If-None-Match');
  if (none === '*') return { kind: 'absent' };
  const etag = /^"?([0-9a-f]{32})"?$/.exec(match ?? '')?.[1];
  if (etag === undefined) throw notImplemented('A PUT under another condition than If-None-Match: * or one If-Match');
  return { kind: 'matches', etag };
}

/** Returns what is remembered of the present object, to be called again inside the lock. */
async function checkCondition(
  service: S3Service,
  bucket: string,
  key: string,
  condition: Condition,
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

function parseChecksums(headers: HeaderMap): Checksums {
  const named = headers.get('x-amz-sdk-checksum-algorithm');
  if (named !== undefined && named !== 'SHA256' && named !== 'CRC32') throw notImplemented('This checksum algorithm');
  return {
    ...checksum(headers, 'content-md5', 'md5', 16),
    ...checksum(headers, 'x-amz-checksum-sha256', 'sha256', 32),
    ...checksum(headers, 'x-amz-checksum-crc32', 'crc32', 4),
  };
}

function checksum(headers: HeaderMap, header: string, name: keyof Checksums, sizeBytes: number): Checksums {
  const text = headers.get(header);
  if (text === undefined) return {};
  const bytes = Buffer.from(text, 'base64');
  if (bytes.length !== sizeBytes || bytes.toString('base64') !== text) {
    throw new S3Error(
      name === 'md5' ? 'InvalidDigest' : 'InvalidRequest',
      400,
      `${header} must be ${sizeBytes} bytes in base64.`,
    );
  }
  return { [name]: bytes };
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

function systemHeaders(headers: HeaderMap): Record<string, string> {
  const kept: Record<string, string> = { 'content-type': 'binary/octet-stream' };
  for (const name of KEPT_HEADERS) {
    const value = headers.get(name);
    if (value !== undefined && value !== '') kept[name] = value;
  }
  return kept;
}

function userMetadata(headers: HeaderMap): Record<string, string> {
  const kept: Record<string, string> = {};
  let sizeBytes = 0;
  for (const [name, value] of headers) {
    if (!name.startsWith('x-amz-meta-')) continue;
    kept[name.slice('x-amz-meta-'.length)] = value;
    sizeBytes += name.length - 'x-amz-meta-'.length + value.length;
  }
  if (sizeBytes > MAX_METADATA_BYTES) {
    throw new S3Error(
      'MetadataTooLarge',
      400,
      `The metadata has ${sizeBytes} bytes; at most ${MAX_METADATA_BYTES} are allowed.`,
    );
  }
  return kept;
}
