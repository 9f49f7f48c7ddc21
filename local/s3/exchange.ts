import type { IncomingMessage, ServerResponse } from 'node:http';
import type { ObjectStore } from './open-store.ts';
import { notImplemented } from './s3-error.ts';
import type { VerifiedRequest } from './verify-sigv4.ts';

/** What every operation is given. */
export interface S3Service {
  readonly store: ObjectStore;
  readonly region: string;
  readonly accessKey: string;
  readonly maxObjectBytes: number;
  /** Whether changes are to be told. */
  readonly listening: boolean;
  /** Events owed; puts and deletes wait outside while there are too many. */
  readonly pendingEvents: () => number;
  readonly nowMs: () => number;
}

/** One verified request and where its answer goes. */
export interface Exchange {
  readonly request: VerifiedRequest;
  readonly incoming: IncomingMessage;
  readonly response: ServerResponse;
  readonly requestId: string;
  /** Tells a client that waits for it to send the body. */
  readonly askForBody: () => void;
}

/** Anything an operation does not know could change what it means; so it is refused, never ignored. */
export function refuseUnknown(
  request: VerifiedRequest,
  known: { query: readonly string[]; headers: readonly string[]; headerPrefix?: string },
): void {
  for (const name of request.query.keys()) {
    if (name !== 'x-id' && !known.query.includes(name)) throw notImplemented(`Query parameter ${name.slice(0, 64)}`);
  }
  for (const name of request.headers.keys()) {
    if (!name.startsWith('x-amz-') || ALWAYS_KNOWN.has(name) || known.headers.includes(name)) continue;
    if (known.headerPrefix !== undefined && name.startsWith(known.headerPrefix)) continue;
    throw notImplemented(`Header ${name.slice(0, 64)}`);
  }
}

const ALWAYS_KNOWN: ReadonlySet<string> = new Set([
  'x-amz-date',
  'x-amz-content-sha256',
  'x-amz-user-agent',
  // The AWS SDK sends the CRC-32 of the empty body with a GET when it is not to validate responses.
  'x-amz-checksum-crc32',
  'x-amz-sdk-checksum-algorithm',
]);

export function sendXml(response: ServerResponse, xml: string): void {
  const body = Buffer.from(xml);
  response.writeHead(200, { 'content-type': 'application/xml', 'content-length': body.length });
  response.end(body);
}
