import { stat } from 'node:fs/promises';
import type { QueryMap } from './canonical-request.ts';
import { uriEncode } from './canonical-request.ts';
import { type Exchange, refuseUnknown, type S3Service, sendXml } from './exchange.ts';
import { bucketPath, MAX_KEY_BYTES } from './object-path.ts';
import { isMissing, type ObjectMeta, type ObjectStore, readMeta } from './open-store.ts';
import { notImplemented, S3Error, xmlText } from './s3-error.ts';
import { compareKeys, walkKeys } from './walk-keys.ts';

const MAX_KEYS = 1000;

interface ListRequest {
  readonly prefix: string;
  readonly delimiter: string;
  readonly maxKeys: number;
  readonly startAfter: string;
  readonly token: { value: string; after: string } | null;
  readonly encoded: boolean;
}

interface ListPage {
  readonly objects: { key: string; sizeBytes: number; meta: ObjectMeta }[];
  readonly commonPrefixes: string[];
  /** The last key or common prefix given, when more follow. */
  readonly continueAfter: string | null;
}

/** ListObjectsV2, in the binary order of the keys' UTF-8. */
export async function listObjects(service: S3Service, exchange: Exchange, bucket: string): Promise<void> {
  refuseUnknown(exchange.request, {
    query: [
      'list-type',
      'prefix',
      'delimiter',
      'max-keys',
      'continuation-token',
      'start-after',
      'encoding-type',
      'fetch-owner',
    ],
    headers: [],
  });
  const request = parseListRequest(exchange.request.query);
  const page = await readPage(service.store, bucket, request);
  sendXml(exchange.response, pageXml(bucket, request, page));
}

async function readPage(store: ObjectStore, bucket: string, request: ListRequest): Promise<ListPage> {
  const { prefix, delimiter, maxKeys } = request;
  const tokenAfter = request.token?.after ?? '';
  const after = compareKeys(tokenAfter, request.startAfter) > 0 ? tokenAfter : request.startAfter;
  const page = { objects: [] as ListPage['objects'], commonPrefixes: [] as string[] };
  // A page that ended with a common prefix goes on behind everything in it.
  const skip =
    delimiter !== '' && tokenAfter.length > prefix.length && tokenAfter.endsWith(delimiter) ? tokenAfter : null;
  const cursor = { prefix, after, skip };
  let last: string | null = null;
  if (maxKeys === 0) return { ...page, continueAfter: null };
  for await (const { key, dataPath } of walkKeys(bucketPath(store.dataDir, bucket), cursor)) {
    if (cursor.skip !== null && key.startsWith(cursor.skip)) continue;
    const found = await readEntry(dataPath);
    if (found === null) continue;
    if (page.objects.length + page.commonPrefixes.length === maxKeys) return { ...page, continueAfter: last };
    const cut = delimiter === '' ? -1 : key.indexOf(delimiter, prefix.length);
    if (cut < 0) {
      page.objects.push({ key, ...found });
      last = key;
    } else {
      last = key.slice(0, cut + delimiter.length);
      page.commonPrefixes.push(last);
      cursor.skip = last;
    }
  }
  return { ...page, continueAfter: null };
}

async function readEntry(dataPath: string): Promise<{ sizeBytes: number; meta: ObjectMeta } | null> {
  const meta = await readMeta(dataPath);
  if (meta === null) return null;
  try {
    return { sizeBytes: (await stat(dataPath)).size, meta };
  } catch (error) {
    if (isMissing(error)) return null;
    throw error;
  }
}

function parseListRequest(query: QueryMap): ListRequest {
  if (query.get('list-type') !== '2') throw notImplemented('Listing other than list-type=2');
  const encoding = query.get('encoding-type');
  if (encoding !== undefined && encoding !== 'url') throw invalid('encoding-type must be url.');
  const maxKeysText = query.get('max-keys') || String(MAX_KEYS);
  if (!/^[0-9]{1,9}$/.test(maxKeysText)) throw invalid('max-keys must be a number from 0 on.');
  return {
    prefix: bounded(query, 'prefix'),
    delimiter: bounded(query, 'delimiter'),
    startAfter: bounded(query, 'start-after'),
    maxKeys: Math.min(MAX_KEYS, Number(maxKeysText)),
    token: parseToken(query.get('continuation-token')),
    encoded: encoding === 'url',
  };
}

function bounded(query: QueryMap, name: string): string {
  const text = query.get(name) ?? '';
  if (Buffer.byteLength(text) > MAX_KEY_BYTES) throw invalid(`${name} has more than ${MAX_KEY_BYTES} bytes.`);
  return text;
}

/** A token says where to go on and nothing else, so a made-up one can do no harm. */
function parseToken(value: string | undefined): ListRequest['token'] {
  if (value === undefined) return null;
  const after = Buffer.from(value, 'base64url').toString();
  if (value === '' || makeToken(after) !== value || Buffer.byteLength(after) > MAX_KEY_BYTES) {
    throw invalid('The continuation token provided is incorrect.');
  }
  return { value, after };
}

function makeToken(after: string): string {
  return Buffer.from(after).toString('base64url');
}

function invalid(message: string): S3Error {
  return new S3Error('InvalidArgument', 400, message);
}

function pageXml(bucket: string, request: ListRequest, page: ListPage): string {
  const text = (value: string) => xmlText(request.encoded ? uriEncode(Buffer.from(value), '/') : value);
  const element = (name: string, value: string | null) => (value === null ? '' : `<${name}>${value}</${name}>`);
  const contents = page.objects.map(
    ({ key, sizeBytes, meta }) =>
      `<Contents><Key>${text(key)}</Key><LastModified>${new Date(meta.lastModifiedMs).toISOString()}</LastModified>` +
      `<ETag>&#34;${meta.etag}&#34;</ETag><Size>${sizeBytes}</Size><StorageClass>STANDARD</StorageClass></Contents>`,
  );
  const prefixes = page.commonPrefixes.map(
    (prefix) => `<CommonPrefixes><Prefix>${text(prefix)}</Prefix></CommonPrefixes>`,
  );
  return [
    '<?xml version="1.0" encoding="UTF-8"?>\n<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">',
    element('Name', bucket),
    element('Prefix', text(request.prefix)),
    element('StartAfter', request.startAfter === '' ? null : text(request.startAfter)),
    element('ContinuationToken', request.token === null ? null : xmlText(request.token.value)),
    element('NextContinuationToken', page.continueAfter === null ? null : makeToken(page.continueAfter)),
    element('KeyCount', String(page.objects.length + page.commonPrefixes.length)),
    element('MaxKeys', String(request.maxKeys)),
    element('Delimiter', request.delimiter === '' ? null : text(request.delimiter)),
    element('EncodingType', request.encoded ? 'url' : null),
    element('IsTruncated', String(page.continueAfter !== null)),
    ...contents,
    ...prefixes,
    '</ListBucketResult>',
  ].join('');
}
