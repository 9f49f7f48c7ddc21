import type { FileHandle } from 'node:fs/promises';
import type { ServerResponse } from 'node:http';
import { pipeline } from 'node:stream/promises';
import type { HeaderMap } from './canonical-request.ts';
import { type Exchange, refuseUnknown, type S3Service } from './exchange.ts';
import { checksumHeaders } from './object-headers.ts';
import { type ObjectMeta, openObject, withObject } from './open-store.ts';
import { type ByteRange, parseRange } from './parse-range.ts';
import { noSuchKey, S3Error } from './s3-error.ts';

/**
 * GetObject and HeadObject. What is sent is what the data file holds now; only what is said about it comes from the time of
 * the put.
 *
 * @throws {S3Error}
 */
export async function getObject(service: S3Service, exchange: Exchange, bucket: string, key: string): Promise<void> {
  const { request, response } = exchange;
  refuseUnknown(request, { query: ['X-Amz-Checksum-Mode', 'x-amz-checksum-mode'], headers: ['x-amz-checksum-mode'] });
  const found = await withObject(service.store, bucket, key, () => openObject(service.store, bucket, key));
  if (found === null) throw noSuchKey();
  const { handle, meta, sizeBytes } = found;
  try {
    const etag = `"${meta.etag}"`;
    const lastModified = new Date(meta.lastModifiedMs).toUTCString();
    if (checkConditions(request.headers, meta) === 'not-modified') {
      response.writeHead(304, { etag, 'last-modified': lastModified });
      response.end();
      return;
    }
    const ifRange = request.headers.get('if-range');
    const wanted = ifRange === undefined || ifRange === etag ? request.headers.get('range') : undefined;
    const range = parseRange(wanted, sizeBytes);
    const mode = request.headers.get('x-amz-checksum-mode') ?? request.query.get('X-Amz-Checksum-Mode');
    response.writeHead(range === null ? 200 : 206, {
      ...meta.systemHeaders,
      ...Object.fromEntries(Object.entries(meta.userMetadata).map(([name, value]) => [`x-amz-meta-${name}`, value])),
      ...(mode === 'ENABLED' && range === null ? checksumHeaders(meta) : {}),
      ...(range === null ? {} : { 'content-range': `bytes ${range.first}-${range.last}/${sizeBytes}` }),
      'content-length': range === null ? sizeBytes : range.last - range.first + 1,
      'accept-ranges': 'bytes',
      'last-modified': lastModified,
      etag,
    });
    if (request.method === 'HEAD') response.end();
    else await sendBytes(handle, range ?? { first: 0, last: sizeBytes - 1 }, response);
  } finally {
    await handle.close();
  }
}

/** RFC 9110 §13.2.2, entity tags before dates. */
function checkConditions(headers: HeaderMap, meta: ObjectMeta): 'go-on' | 'not-modified' {
  const failed = new S3Error(
    'PreconditionFailed',
    412,
    'At least one of the pre-conditions you specified did not hold.',
  );
  const seconds = Math.floor(meta.lastModifiedMs / 1000);
  const since = (header: string) => Date.parse(headers.get(header) ?? '') / 1000;
  if (headers.has('if-match')) {
    if (!namesEtag(headers.get('if-match')!, meta.etag)) throw failed;
  } else if (seconds > since('if-unmodified-since')) throw failed;
  if (headers.has('if-none-match'))
    return namesEtag(headers.get('if-none-match')!, meta.etag) ? 'not-modified' : 'go-on';
  return seconds <= since('if-modified-since') ? 'not-modified' : 'go-on';
}

function namesEtag(list: string, etag: string): boolean {
  return list.split(',').some((entry) => ['*', etag, `"${etag}"`].includes(entry.trim().replace(/^W\//, '')));
}

async function sendBytes(handle: FileHandle, range: ByteRange, response: ServerResponse): Promise<void> {
  if (range.last < range.first) {
    response.end();
    return;
  }
  const source = handle.createReadStream({ start: range.first, end: range.last, autoClose: false });
  await pipeline(source, response, { end: false });
  // A file cut short meanwhile: the length was promised, so the connection must break.
  if (source.bytesRead < range.last - range.first + 1) response.destroy();
  else response.end();
}
