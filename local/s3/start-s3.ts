import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { inUrl } from '../host/addresses.ts';
import { answerRequest } from './answer-request.ts';
import { deliverEvents } from './deliver-events.ts';
import type { S3Service } from './exchange.ts';
import { forgetEntry, openStore } from './open-store.ts';
import type { S3ObjectEvent } from './s3-event.ts';

export interface S3Options {
  /** Created when missing; used by one process at a time. */
  readonly dataDir: string;
  /** An address of this machine; 127.0.0.1 when not given. */
  readonly host?: string;
  /** 0, the default, takes any free one. */
  readonly port?: number;
  readonly accessKey: string;
  readonly secretKey: string;
  readonly region: string;
  /** Every bucket there is. */
  readonly buckets: readonly string[];
  /** Told of every object put or deleted, at least once, in no promised order, also after a crash. */
  readonly onEvent?: (event: S3ObjectEvent, signal: AbortSignal) => Promise<void>;
  /** The clock, for signatures and dates. */
  readonly now?: () => Date;
  readonly log?: (line: object) => void;
  readonly limits?: Partial<S3Limits>;
}

interface S3Limits {
  /** At most 5 GiB, as in S3. */
  readonly maxObjectBytes: number;
  readonly maxConnections: number;
  /** A request's headers must be in within this. */
  readonly headersTimeoutMs: number;
  /** All of a request, body included. */
  readonly requestTimeoutMs: number;
  /** A connection on which nothing moves. */
  readonly idleTimeoutMs: number;
  /** What requests under way are given when closing. */
  readonly closeTimeoutMs: number;
}

export interface RunningS3 {
  readonly endpoint: string;
  readonly port: number;
  /** Resolves when every event was taken; rejects when closed before. */
  drained(): Promise<void>;
  close(): Promise<void>;
}

const DEFAULT_LIMITS: S3Limits = {
  maxObjectBytes: 64 * 1024 * 1024,
  maxConnections: 256,
  headersTimeoutMs: 10_000,
  requestTimeoutMs: 120_000,
  idleTimeoutMs: 30_000,
  closeTimeoutMs: 5_000,
};
const S3_MAX_OBJECT_BYTES = 5 * 1024 ** 3;
const MAX_HEADER_BYTES = 16 * 1024;

/**
 * Starts the embedded object store: a subset of S3 on plain files, path style.
 *
 * @throws when a bucket's name is no bucket name, the port is taken or the folder cannot be used.
 */
export async function startS3(options: S3Options): Promise<RunningS3> {
  const limits = { ...DEFAULT_LIMITS, ...options.limits };
  if (limits.maxObjectBytes > S3_MAX_OBJECT_BYTES) {
    throw new RangeError(
      `maxObjectBytes is ${limits.maxObjectBytes}; S3 takes at most ${S3_MAX_OBJECT_BYTES} in one PUT.`,
    );
  }
  const log = options.log ?? (() => undefined);
  const now = options.now ?? (() => new Date());
  const { store, pending } = await openStore(options.dataDir, options.buckets);
  const delivery =
    options.onEvent === undefined
      ? null
      : deliverEvents({ onEvent: options.onEvent, forget: (name) => forgetEntry(store, name), log });
  if (delivery !== null) store.deliver = (event) => delivery.take(event);
  const service: S3Service = {
    store,
    region: options.region,
    accessKey: options.accessKey,
    maxObjectBytes: limits.maxObjectBytes,
    listening: delivery !== null,
    pendingEvents: () => delivery?.pending() ?? 0,
    nowMs: () => now().getTime(),
  };
  const server = makeServer(limits);
  const port = await listen(server, options.host ?? '127.0.0.1', options.port ?? 0);
  const host = options.host ?? '127.0.0.1';
  const authority = `${inUrl(host)}:${port}`;
  const underWay = new Set<Promise<void>>();
  const accept = (expectsContinue: boolean) => (incoming: IncomingMessage, response: ServerResponse) => {
    const rules = { ...options, service: 's3', authority, now };
    const answer = answerRequest(service, rules, log, incoming, response, expectsContinue).finally(() => {
      underWay.delete(answer);
    });
    underWay.add(answer);
  };
  server.on('request', accept(false));
  server.on('checkContinue', accept(true));
  for (const event of pending) delivery?.take(event);
  return {
    endpoint: `http://${authority}`,
    port,
    drained: async () => delivery?.drained(),
    async close() {
      await closeServer(server, underWay, limits.closeTimeoutMs);
      await delivery?.close();
    },
  };
}

function makeServer(limits: S3Limits): Server {
  const server = createServer({
    maxHeaderSize: MAX_HEADER_BYTES,
    headersTimeout: limits.headersTimeoutMs,
    requestTimeout: limits.requestTimeoutMs,
    connectionsCheckingInterval: Math.min(1_000, limits.headersTimeoutMs),
    keepAliveTimeout: 5_000,
  });
  server.maxConnections = limits.maxConnections;
  // No header is dropped silently: what is not seen could not be checked. The size bounds their number.
  server.maxHeadersCount = 0;
  server.timeout = limits.idleTimeoutMs;
  server.on('clientError', refuseBytes);
  server.on('connection', (socket) => socket.on('error', () => socket.destroy()));
  return server;
}

/** What came was not HTTP, or too large, or too slow. */
function refuseBytes(error: Error, socket: Duplex): void {
  const code = 'code' in error ? error.code : '';
  const status =
    code === 'HPE_HEADER_OVERFLOW'
      ? '431 Request Header Fields Too Large'
      : code === 'ERR_HTTP_REQUEST_TIMEOUT'
        ? '408 Request Timeout'
        : '400 Bad Request';
  if (!socket.writable) {
    socket.destroy();
    return;
  }
  socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`, () => socket.destroy());
}

async function listen(server: Server, host: string, port: number): Promise<number> {
  server.listen(port, host);
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

async function closeServer(server: Server, underWay: ReadonlySet<Promise<void>>, timeoutMs: number): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  server.closeIdleConnections();
  const timer = setTimeout(() => server.closeAllConnections(), timeoutMs);
  await closed;
  clearTimeout(timer);
  await Promise.allSettled(underWay);
}
