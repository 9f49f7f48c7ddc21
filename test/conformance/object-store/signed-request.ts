import { request as httpRequest } from 'node:http';
import { buffer } from 'node:stream/consumers';
import {
  type DeleteObjectCommand,
  type GetObjectCommand,
  type PutObjectCommand,
  S3Client,
  type S3ClientConfig,
} from '@aws-sdk/client-s3';
import type { RunningObjectStore } from './target.ts';

/** A request as it will go over the wire; tests alter it after it was signed. */
export interface WireRequest {
  readonly method: string;
  /** Path and query. */
  readonly target: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
}

export interface WireResponse {
  readonly status: number;
  /** S3's error code, or an empty string. */
  readonly code: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

const REQUEST_TIMEOUT_MS = 20_000;

export function makeClient(store: RunningObjectStore, more: S3ClientConfig = {}): S3Client {
  return new S3Client({
    endpoint: store.endpoint,
    region: store.region,
    forcePathStyle: true,
    credentials: { accessKeyId: store.accessKey, secretAccessKey: store.secretKey },
    requestChecksumCalculation: 'WHEN_REQUIRED',
    maxAttempts: 1,
    ...more,
  });
}

/** Lets the AWS SDK build and sign a request, and hands it back unsent. `headers` are put in before signing. */
export async function signCommand(
  store: RunningObjectStore,
  command: PutObjectCommand | GetObjectCommand | DeleteObjectCommand,
  options: { headers?: Record<string, string>; client?: S3ClientConfig } = {},
): Promise<WireRequest> {
  const caught: HttpRequestLike[] = [];
  const client = makeClient(store, {
    ...options.client,
    requestHandler: {
      handle: async (request: unknown) => {
        caught.push(request as HttpRequestLike);
        throw new Error('caught before sending');
      },
    },
  });
  client.middlewareStack.add(
    (next) => (args) => {
      Object.assign((args.request as HttpRequestLike).headers, options.headers);
      return next(args);
    },
    { step: 'build', priority: 'low', name: 'extraHeaders' },
  );
  await client.send(command as PutObjectCommand).catch(() => undefined);
  client.destroy();
  const request = caught[0];
  if (request === undefined) throw new Error('The SDK made no request.');
  const query = Object.entries(request.query ?? {}).map(([name, value]) =>
    value === null ? encodeURIComponent(name) : `${encodeURIComponent(name)}=${encodeURIComponent(String(value))}`,
  );
  return {
    method: request.method,
    target: request.path + (query.length === 0 ? '' : `?${query.join('&')}`),
    headers: request.headers,
    body: Buffer.from(request.body ?? ''),
  };
}

interface HttpRequestLike {
  method: string;
  path: string;
  query?: Record<string, string | null>;
  headers: Record<string, string>;
  body?: Uint8Array | string;
}

/** A presigned URL as a request, with the headers its sender adds. */
export function fromUrl(
  method: string,
  url: string,
  headers: Record<string, string> = {},
  body: Uint8Array = new Uint8Array(),
): WireRequest {
  const { host, pathname, search } = new URL(url);
  return { method, target: pathname + search, headers: { host, ...headers }, body };
}

/** Sends exactly these headers and bytes; node adds nothing but Connection. */
export function sendWire(store: RunningObjectStore, wire: WireRequest): Promise<WireResponse> {
  const { hostname, port } = new URL(store.endpoint);
  const { promise, resolve, reject } = Promise.withResolvers<WireResponse>();
  const headers: Record<string, string> = { ...wire.headers };
  delete headers.expect;
  const request = httpRequest({
    hostname,
    port,
    method: wire.method,
    path: wire.target,
    headers,
    setHost: false,
    agent: false,
    signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS),
  });
  request.on('error', reject);
  request.on('response', (response) => {
    buffer(response).then((body) => {
      const code = /<Code>([^<]*)<\/Code>/.exec(body.toString())?.[1] ?? '';
      resolve({ status: response.statusCode ?? 0, code, headers: response.headers as Record<string, string>, body });
    }, reject);
  });
  request.end(wire.body);
  return promise;
}
