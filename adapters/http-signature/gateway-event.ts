import type { APIGatewayProxyEventV2 } from 'aws-lambda';
import { encodeBase64 } from 'ethers';
import { ArgumentError } from '../../core/errors.ts';
import { parseRequestTarget } from './parse-request-target.ts';
import { decodeCanonicalBase64 } from './parse-signature.ts';
import type { SignedRequest } from './sign-request.ts';

/**
 * The request in an API Gateway event (HTTP API, payload format 2.0), byte for byte, for the verifier.
 *
 * It never throws, as anybody who may invoke the function chooses the event: where host, path and query cannot be put
 * together so that they come apart again as the same three, `url` is empty, and every verifier calls that malformed. So
 * what was verified is what `rawPath` and `rawQueryString` say to a router. A body that is not what `isBase64Encoded`
 * says makes `url` empty as well. The host is the Host header alone, never a forwarded one.
 */
export function requestFromGatewayEvent(event: APIGatewayProxyEventV2): SignedRequest {
  const headers = givenHeaders(event?.headers);
  const body = readBody(event?.body, event?.isBase64Encoded);
  const url = body === null ? '' : joinUrl(headers.host, event?.rawPath, event?.rawQueryString);
  const method = event?.requestContext?.http?.method;
  return {
    method: typeof method === 'string' ? method : '',
    url,
    headers,
    ...(body === null || body.length === 0 ? {} : { body }),
  };
}

/**
 * The event API Gateway would make of a request: for a Lambda Invoke by a client, and for a local host that serves HTTP.
 * Names in lower case and repeated headers joined by commas, as API Gateway does; `host` comes from the URL.
 * @throws ArgumentError when the URL is not absolute http(s) in plain ASCII, or a host header contradicts it.
 */
export function gatewayEventFromRequest(request: SignedRequest): APIGatewayProxyEventV2 {
  const target = parseRequestTarget(request.url);
  if (target === null) {
    throw new ArgumentError('The request needs an absolute http or https URL in plain ASCII, fragment excluded.');
  }
  const headers = joinHeaders(request.headers);
  const host = headers.host ?? target.authority;
  if (host.toLowerCase() !== target.authority.toLowerCase()) {
    throw new ArgumentError(`The host header differs from the URL's ${target.authority}. Leave it out.`);
  }
  const query = [...new URLSearchParams(target.query)];
  const nowMs = Date.now();
  return {
    version: '2.0',
    routeKey: '$default',
    rawPath: target.path,
    rawQueryString: target.query,
    headers: { ...headers, host },
    ...(query.length === 0 ? {} : { queryStringParameters: joinRepeated(query) }),
    requestContext: {
      accountId: 'anonymous',
      apiId: 'local',
      domainName: target.authority,
      domainPrefix: target.authority.split('.')[0] as string,
      http: {
        method: request.method,
        path: target.path,
        protocol: 'HTTP/1.1',
        sourceIp: '127.0.0.1',
        userAgent: headers['user-agent'] ?? '',
      },
      requestId: crypto.randomUUID(),
      routeKey: '$default',
      stage: '$default',
      time: new Date(nowMs).toISOString(),
      timeEpoch: nowMs,
    },
    ...(request.body === undefined || request.body.length === 0
      ? { isBase64Encoded: false }
      : { body: encodeBase64(request.body), isBase64Encoded: true }),
  };
}

function joinUrl(host: unknown, rawPath: unknown, rawQueryString: unknown): string {
  if (typeof host !== 'string' || typeof rawPath !== 'string') return '';
  if (rawQueryString !== undefined && typeof rawQueryString !== 'string') return '';
  const query = rawQueryString ?? '';
  const url = `https://${host}${rawPath}${query === '' ? '' : `?${query}`}`;
  const target = parseRequestTarget(url);
  return target?.authority === host && target.path === rawPath && target.query === query ? url : '';
}

/** Bytes of the event's body, or null when it is not what the event says it is. */
function readBody(body: unknown, isBase64Encoded: unknown): Uint8Array | null {
  if (body === undefined || body === null) return new Uint8Array(0);
  if (typeof body !== 'string') return null;
  return isBase64Encoded === true ? decodeCanonicalBase64(body) : new TextEncoder().encode(body);
}

/** An event may lack a header's value; anything else that is no string is kept for the verifier to refuse. */
function givenHeaders(headers: Readonly<Record<string, string | undefined>> | undefined): Record<string, string> {
  const given = Object.entries(headers ?? {}).filter(([, value]) => value !== undefined);
  return Object.fromEntries(given) as Record<string, string>;
}

function joinHeaders(headers: Readonly<Record<string, string>>): Record<string, string> {
  return joinRepeated(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
}

function joinRepeated(pairs: readonly (readonly [string, string])[]): Record<string, string> {
  const joined = new Map<string, string>();
  for (const [name, value] of pairs) {
    const before = joined.get(name);
    joined.set(name, before === undefined ? value : `${before},${value}`);
  }
  return Object.fromEntries(joined);
}
