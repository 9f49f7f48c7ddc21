import { createHash } from 'node:crypto';
import { deleteObject } from './delete-object.ts';
import { type Exchange, refuseUnknown, type S3Service, sendXml } from './exchange.ts';
import { getObject } from './get-object.ts';
import { listObjects } from './list-objects.ts';
import { checkKey } from './object-path.ts';
import { putObject } from './put-object.ts';
import { notImplemented, S3Error, xmlText } from './s3-error.ts';

const MAX_BUCKET_BODY_BYTES = 16 * 1024;
const EMPTY_CRC32 = 'AAAAAA==';
const EMPTY_SHA256 = createHash('sha256').digest('hex');

/**
 * Finds the operation of a verified request and runs it.
 *
 * @throws {S3Error}
 */
export async function handleRequest(service: S3Service, exchange: Exchange): Promise<void> {
  const { request } = exchange;
  const path = request.target.pathBytes.subarray(1);
  const slash = path.indexOf(0x2f);
  const bucket = path.subarray(0, slash < 0 ? path.length : slash).toString('latin1');
  const keyBytes = slash < 0 ? Buffer.alloc(0) : path.subarray(slash + 1);
  refuseUnsignedPayload(exchange);
  if (request.method !== 'PUT') refuseBody(exchange);
  if (bucket === '') return listBuckets(service, exchange);
  if (!service.store.buckets.has(bucket)) {
    if (request.method === 'PUT' && keyBytes.length === 0) {
      throw new S3Error('AccessDenied', 403, 'The buckets of this server are fixed when it starts.');
    }
    throw new S3Error('NoSuchBucket', 404, 'The specified bucket does not exist.');
  }
  if (keyBytes.length === 0) return handleBucket(service, exchange, bucket);
  const key = checkKey(keyBytes);
  switch (request.method) {
    case 'PUT':
      return putObject(service, exchange, bucket, key);
    case 'GET':
    case 'HEAD':
      return getObject(service, exchange, bucket, key);
    case 'DELETE':
      return deleteObject(service, exchange, bucket, key);
    default:
      throw notImplemented(`Method ${request.method} on an object`);
  }
}

async function handleBucket(service: S3Service, exchange: Exchange, bucket: string): Promise<void> {
  const { method } = exchange.request;
  if (method === 'GET') return listObjects(service, exchange, bucket);
  if (method !== 'HEAD' && method !== 'PUT') throw notImplemented(`Method ${method} on a bucket`);
  refuseUnknown(exchange.request, { query: [], headers: [] });
  if (method === 'PUT') await readBucketBody(exchange);
  exchange.response.writeHead(200, {
    'content-length': 0,
    'x-amz-bucket-region': service.region,
    location: `/${bucket}`,
  });
  exchange.response.end();
}

/** CreateBucket may bring a configuration; a bucket that exists does not need it. */
async function readBucketBody(exchange: Exchange): Promise<void> {
  exchange.askForBody();
  const hash = createHash('sha256');
  let sizeBytes = 0;
  for await (const chunk of exchange.incoming.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    sizeBytes += chunk.length;
    if (sizeBytes > MAX_BUCKET_BODY_BYTES) throw new S3Error('EntityTooLarge', 400, 'The body is too large.');
    hash.update(chunk);
  }
  const { payload } = exchange.request;
  if (payload.kind === 'sha256' && payload.sha256Hex !== hash.digest('hex')) {
    throw new S3Error('XAmzContentSHA256Mismatch', 400, 'The body is not the one that was signed.');
  }
}

function listBuckets(service: S3Service, exchange: Exchange): void {
  if (exchange.request.method !== 'GET') throw notImplemented(`Method ${exchange.request.method} on the service`);
  refuseUnknown(exchange.request, { query: [], headers: [] });
  const created = new Date(0).toISOString();
  const buckets = [...service.store.buckets]
    .sort()
    .map((name) => `<Bucket><Name>${xmlText(name)}</Name><CreationDate>${created}</CreationDate></Bucket>`);
  sendXml(
    exchange.response,
    '<?xml version="1.0" encoding="UTF-8"?>\n<ListAllMyBucketsResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">' +
      `<Owner><ID>${xmlText(service.accessKey)}</ID></Owner><Buckets>${buckets.join('')}</Buckets></ListAllMyBucketsResult>`,
  );
}

/** Over plain HTTP a signature must say what the body is, by its hash or by a signed checksum. */
function refuseUnsignedPayload({ request }: Exchange): void {
  if (request.kind === 'presigned' || request.payload.kind === 'sha256') return;
  if (request.signedHeaders.has('x-amz-checksum-sha256')) return;
  throw new S3Error(
    'InvalidRequest',
    400,
    'UNSIGNED-PAYLOAD is not taken. Sign the hash of the body, or a x-amz-checksum-sha256 header.',
  );
}

function refuseBody({ request }: Exchange): void {
  if (request.headers.has('transfer-encoding') || !/^0*$/.test(request.headers.get('content-length') ?? '')) {
    throw new S3Error('InvalidRequest', 400, `${request.method} takes no body here.`);
  }
  if ((request.headers.get('x-amz-checksum-crc32') ?? EMPTY_CRC32) !== EMPTY_CRC32) {
    throw new S3Error('BadDigest', 400, 'The crc32 you specified is not that of an empty body.');
  }
  if (request.payload.kind === 'sha256' && request.payload.sha256Hex !== EMPTY_SHA256) {
    throw new S3Error('XAmzContentSHA256Mismatch', 400, 'The body is not the one that was signed.');
  }
}
