import type { HeaderMap } from './canonical-request.ts';
import type { ObjectMeta } from './open-store.ts';
import { notImplemented, S3Error } from './s3-error.ts';

const MAX_METADATA_BYTES = 2048;
const KEPT_HEADERS = [
  'content-type',
  'content-encoding',
  'content-disposition',
  'content-language',
  'cache-control',
  'expires',
];

export type PutCondition = { kind: 'none' } | { kind: 'absent' } | { kind: 'matches'; etag: string };

/** What the sender says the body hashes to. */
export interface Checksums {
  readonly md5?: Buffer;
  readonly sha256?: Buffer;
  readonly crc32?: Buffer;
}

export function contentLength(headers: HeaderMap, maxBytes: number): number {
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

export function parsePutCondition(headers: HeaderMap): PutCondition {
  const none = headers.get('if-none-match');
  const match = headers.get('if-match');
  if (none === undefined && match === undefined) return { kind: 'none' };
  if (none !== undefined && match !== undefined) throw notImplemented('If-Match next to If-None-Match');
  if (none === '*') return { kind: 'absent' };
  const etag = /^"?([0-9a-f]{32})"?$/.exec(match ?? '')?.[1];
  if (etag === undefined) throw notImplemented('A PUT under another condition than If-None-Match: * or one If-Match');
  return { kind: 'matches', etag };
}

export function parseChecksums(headers: HeaderMap): Checksums {
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

/** The declared checksums of an object as answer headers. */
export function checksumHeaders(meta: ObjectMeta): Record<string, string> {
  const found: Record<string, string> = {};
  if (meta.checksums.sha256 !== undefined) found['x-amz-checksum-sha256'] = meta.checksums.sha256;
  if (meta.checksums.crc32 !== undefined) found['x-amz-checksum-crc32'] = meta.checksums.crc32;
  if (Object.keys(found).length > 0) found['x-amz-checksum-type'] = 'FULL_OBJECT';
  return found;
}

export function systemHeaders(headers: HeaderMap): Record<string, string> {
  const kept: Record<string, string> = { 'content-type': 'binary/octet-stream' };
  for (const name of KEPT_HEADERS) {
    const value = headers.get(name);
    if (value !== undefined && value !== '') kept[name] = value;
  }
  return kept;
}

export function userMetadata(headers: HeaderMap): Record<string, string> {
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
