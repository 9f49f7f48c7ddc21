import { portablePrimitives } from '../../adapters/crypto/portable-primitives.ts';
import { utf8 } from '../../core/bytes.ts';

/** The right to read a bucket. */
export interface BucketAccess {
  readonly endpoint: string;
  readonly bucket: string;
  readonly region: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

const EXPIRES_SECONDS = 300;

/**
 * A presigned GET (AWS Signature Version 4 in the query): what is sent to the server is a right to this one object or listing,
 * for minutes, and never the secret key.
 * @param path of the object, behind the bucket; empty for the bucket itself
 */
export function presignGet(
  access: BucketAccess,
  path: string,
  query: Readonly<Record<string, string>>,
  nowMs: number,
  expiresSeconds: number = EXPIRES_SECONDS,
): string {
  const { endpoint, bucket, region, accessKeyId, secretAccessKey } = access;
  const { origin, host } = new URL(endpoint);
  const stamp = new Date(nowMs).toISOString().replace(/[-:]|\.\d{3}/g, '');
  const scope = `${stamp.slice(0, 8)}/${region}/s3/aws4_request`;
  const signed: Readonly<Record<string, string>> = {
    ...query,
    'X-Amz-Algorithm': 'AWS4-HMAC-SHA256',
    'X-Amz-Credential': `${accessKeyId}/${scope}`,
    'X-Amz-Date': stamp,
    'X-Amz-Expires': String(expiresSeconds),
    'X-Amz-SignedHeaders': 'host',
  };
  const canonicalQuery = Object.entries(signed)
    .map(([name, value]) => `${encode(name)}=${encode(value)}`)
    .sort()
    .join('&');
  const canonicalPath = `/${[bucket, ...path.split('/')].filter(Boolean).map(encode).join('/')}`;
  const request = ['GET', canonicalPath, canonicalQuery, `host:${host}`, '', 'host', 'UNSIGNED-PAYLOAD'].join('\n');
  const toSign = ['AWS4-HMAC-SHA256', stamp, scope, hex(portablePrimitives.sha256(utf8(request)))].join('\n');
  const key = [stamp.slice(0, 8), region, 's3', 'aws4_request'].reduce<Uint8Array>(
    (parent, part) => portablePrimitives.hmacSha256(parent, utf8(part)),
    utf8(`AWS4${secretAccessKey}`),
  );
  const signature = hex(portablePrimitives.hmacSha256(key, utf8(toSign)));
  return `${origin}${canonicalPath}?${canonicalQuery}&X-Amz-Signature=${signature}`;
}

/** RFC 3986, as AWS wants it: everything but unreserved characters. */
function encode(text: string): string {
  return encodeURIComponent(text).replace(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

function hex(bytes: Uint8Array): string {
  return [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}
