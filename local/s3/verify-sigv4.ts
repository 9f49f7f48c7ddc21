import { createHash, createHmac, createSecretKey, type KeyObject, timingSafeEqual } from 'node:crypto';
import {
  canonicalPath,
  canonicalRequest,
  type HeaderMap,
  MalformedRequest,
  parseHeaders,
  parseTarget,
  type QueryMap,
  type RequestTarget,
} from './canonical-request.ts';
import { claimFromHeaders, claimFromQuery, SIGV4_ALGORITHM, type SignatureClaim, SigV4Refused } from './sigv4-claim.ts';

export { SigV4Refused };

export interface SigV4Rules {
  readonly accessKey: string;
  readonly secretKey: string;
  readonly region: string;
  /** `s3`, `lambda`, … */
  readonly service: string;
  /** The one `host:port` this server answers to. Any other Host is refused, or a foreign page could rebind its name to us. */
  readonly authority: string;
  readonly now: () => Date;
}

export interface SigV4Request {
  readonly method: string;
  /** Path and query as on the request line. */
  readonly target: string;
  /** node:http's `rawHeaders`: names and values in turn. */
  readonly rawHeaders: readonly string[];
  /** Hex SHA-256 of the body, when it was read before; S3 streams its bodies and compares later. */
  readonly bodySha256Hex?: string;
}

/** What the signature says about the body. */
type SignedPayload = { kind: 'sha256'; sha256Hex: string } | { kind: 'unsigned' };

/** The request as the signature covers it; nothing else should be read from the wire afterwards. */
export interface VerifiedRequest {
  readonly kind: 'header' | 'presigned';
  readonly method: string;
  readonly target: RequestTarget;
  readonly query: QueryMap;
  readonly headers: HeaderMap;
  readonly signedHeaders: ReadonlySet<string>;
  readonly payload: SignedPayload;
}

const SKEW_MS = 15 * 60_000;

/**
 * Verifies AWS Signature Version 4, in the Authorization header or presigned in the query, for any service.
 *
 * Stricter than AWS where that costs nothing: Host must be ours, a foreign Origin is refused, every `x-amz-*` header sent must
 * be signed, nothing may come twice, and streaming (aws-chunked) payloads are not taken.
 *
 * @throws {SigV4Refused}
 */
export function verifySigV4(rules: SigV4Rules, request: SigV4Request): VerifiedRequest {
  const { target, headers } = parseRequest(request);
  refuseForeign(rules, headers);
  const presigned = target.query.has('X-Amz-Algorithm') || target.query.has('X-Amz-Signature');
  if (presigned && headers.has('authorization')) {
    throw new SigV4Refused('InvalidArgument', 400, 'Sign in the header or in the query, not in both.');
  }
  const claim = presigned ? claimFromQuery(target.query) : claimFromHeaders(headers);
  const signedAtMs = checkScope(rules, claim);
  checkTime(rules.now().getTime(), signedAtMs, claim.expiresS);
  const signedHeaders = checkSignedHeaders(claim.signedHeaders, headers);
  const payload = payloadOf(rules, request, headers, target.query, presigned);
  const query = new Map(target.query);
  query.delete('X-Amz-Signature');
  const canonical = canonicalRequest({
    method: request.method,
    path: canonicalPath(rules.service, target),
    query,
    headers,
    signedHeaders: claim.signedHeaders,
    payloadHash: payload.kind === 'unsigned' ? 'UNSIGNED-PAYLOAD' : payload.sha256Hex,
  });
  const expected = sign(rules, claim.dateTime, canonical);
  if (!timingSafeEqual(expected, Buffer.from(claim.signature, 'hex'))) {
    throw new SigV4Refused(
      'SignatureDoesNotMatch',
      403,
      'The signature does not match the request. Check key and method.',
    );
  }
  refuseBodyMismatch(request, payload);
  return {
    kind: presigned ? 'presigned' : 'header',
    method: request.method,
    target,
    query: new Map([...target.query].filter(([name]) => !SIGNATURE_PARAMETERS.has(name))),
    headers,
    signedHeaders,
    payload,
  };
}

/** Query parameters that carry the signature itself and mean nothing to an operation. */
const SIGNATURE_PARAMETERS: ReadonlySet<string> = new Set([
  'X-Amz-Algorithm',
  'X-Amz-Credential',
  'X-Amz-Date',
  'X-Amz-Expires',
  'X-Amz-SignedHeaders',
  'X-Amz-Signature',
  'X-Amz-Content-Sha256',
]);

function parseRequest(request: SigV4Request): { target: RequestTarget; headers: HeaderMap } {
  try {
    return { target: parseTarget(request.target), headers: parseHeaders(request.rawHeaders) };
  } catch (error) {
    if (error instanceof MalformedRequest) throw new SigV4Refused('InvalidURI', 400, error.message);
    throw error;
  }
}

function refuseForeign(rules: SigV4Rules, headers: HeaderMap): void {
  if (headers.get('host') !== rules.authority) {
    throw new SigV4Refused('AccessDenied', 403, `This server answers to Host ${rules.authority} only.`);
  }
  const origin = headers.get('origin');
  if (origin !== undefined && origin !== `http://${rules.authority}`) {
    throw new SigV4Refused('AccessDenied', 403, 'Requests from pages of another origin are refused.');
  }
}

/** Returns the instant the request was signed, in ms since 1970. */
function checkScope(rules: SigV4Rules, claim: SignatureClaim): number {
  const [accessKey, date, region, service, end, ...rest] = claim.credential.split('/');
  const time = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(claim.dateTime);
  const signedAtMs = time === null ? Number.NaN : Date.parse(isoOf(time));
  if (Number.isNaN(signedAtMs) || date !== claim.dateTime.slice(0, 8)) {
    throw new SigV4Refused(
      'AccessDenied',
      403,
      'The date of the signature is malformed, or not the date of its credential.',
    );
  }
  if (region !== rules.region || service !== rules.service || end !== 'aws4_request' || rest.length > 0) {
    throw new SigV4Refused(
      'AuthorizationHeaderMalformed',
      400,
      `The credential must be for ${rules.region}/${rules.service}/aws4_request.`,
    );
  }
  if (accessKey !== rules.accessKey) throw new SigV4Refused('InvalidAccessKeyId', 403, 'The access key is not known.');
  return signedAtMs;
}

function isoOf(time: RegExpExecArray): string {
  return `${time[1]}-${time[2]}-${time[3]}T${time[4]}:${time[5]}:${time[6]}Z`;
}

function checkTime(nowMs: number, signedAtMs: number, expiresS: number | undefined): void {
  if (expiresS === undefined) {
    if (Math.abs(nowMs - signedAtMs) > SKEW_MS) {
      throw new SigV4Refused('RequestTimeTooSkewed', 403, 'The clocks differ by more than 15 minutes.');
    }
    return;
  }
  if (signedAtMs - nowMs > SKEW_MS) throw new SigV4Refused('AccessDenied', 403, 'Request is not valid yet.');
  if (nowMs > signedAtMs + expiresS * 1000) throw new SigV4Refused('AccessDenied', 403, 'Request has expired.');
}

function checkSignedHeaders(names: readonly string[], headers: HeaderMap): ReadonlySet<string> {
  const signed = new Set(names);
  const ordered = names.every((name, at) => at === 0 || names[at - 1]! < name);
  if (!ordered || !signed.has('host')) {
    throw new SigV4Refused(
      'SignatureDoesNotMatch',
      403,
      'SignedHeaders must be sorted, without repeats, and name host.',
    );
  }
  for (const name of names) {
    if (!headers.has(name)) throw new SigV4Refused('SignatureDoesNotMatch', 403, 'A signed header is missing.');
  }
  for (const name of headers.keys()) {
    if (name.startsWith('x-amz-') && !signed.has(name)) {
      throw new SigV4Refused('AccessDenied', 403, 'There were x-amz-* headers in the request which were not signed.');
    }
  }
  return signed;
}

function payloadOf(
  rules: SigV4Rules,
  request: SigV4Request,
  headers: HeaderMap,
  query: QueryMap,
  presigned: boolean,
): SignedPayload {
  const inHeader = headers.get('x-amz-content-sha256');
  const inQuery = query.get('X-Amz-Content-Sha256');
  if (inHeader !== undefined && inQuery !== undefined && inHeader !== inQuery) {
    throw new SigV4Refused('InvalidArgument', 400, 'x-amz-content-sha256 differs between header and query.');
  }
  const named = inHeader ?? inQuery;
  if (named === undefined) {
    if (rules.service !== 's3' && request.bodySha256Hex !== undefined) {
      return { kind: 'sha256', sha256Hex: request.bodySha256Hex };
    }
    if (presigned && rules.service === 's3') return { kind: 'unsigned' };
    throw new SigV4Refused('InvalidRequest', 400, 'Missing required header for this request: x-amz-content-sha256.');
  }
  if (named === 'UNSIGNED-PAYLOAD') return { kind: 'unsigned' };
  if (/^[0-9a-f]{64}$/.test(named)) return { kind: 'sha256', sha256Hex: named };
  if (named.startsWith('STREAMING-')) {
    throw new SigV4Refused(
      'NotImplemented',
      400,
      'Streaming (aws-chunked) payloads are not taken; send the body plainly.',
    );
  }
  throw new SigV4Refused('InvalidArgument', 400, 'x-amz-content-sha256 must be 64 lower-case hex digits.');
}

function refuseBodyMismatch(request: SigV4Request, payload: SignedPayload): void {
  if (request.bodySha256Hex === undefined || payload.kind === 'unsigned') return;
  if (request.bodySha256Hex !== payload.sha256Hex) {
    throw new SigV4Refused('XAmzContentSHA256Mismatch', 400, 'The body is not the one that was signed.');
  }
}

function sign(rules: SigV4Rules, dateTime: string, canonical: Buffer): Buffer {
  const date = dateTime.slice(0, 8);
  const scope = `${date}/${rules.region}/${rules.service}/aws4_request`;
  const hash = createHash('sha256').update(canonical).digest('hex');
  return hmac(signingKey(rules, date), [SIGV4_ALGORITHM, dateTime, scope, hash].join('\n'));
}

/**
 * The key of one day, region and service. The last one is kept, as requests come by the thousand on one day; and as a key object:
 * Node is slow at telling what kind of key it was given, an eighth of what a request to the local table took.
 */
function signingKey(rules: SigV4Rules, date: string): KeyObject {
  const { secretKey, region, service } = rules;
  const of = JSON.stringify([secretKey, date, region, service]);
  const known = signingKeys.get(service);
  if (known?.of === of) return known.key;
  let key: KeyObject = createSecretKey(`AWS4${secretKey}`, 'utf8');
  for (const part of [date, region, service, 'aws4_request']) key = createSecretKey(hmac(key, part));
  signingKeys.set(service, { of, key });
  return key;
}
const signingKeys = new Map<string, { readonly of: string; readonly key: KeyObject }>();

function hmac(key: KeyObject, message: string): Buffer {
  return createHmac('sha256', key).update(message).digest();
}
