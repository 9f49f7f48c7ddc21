import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Recorder } from '../../core/ports/ledger.ts';
import { type HttpAnswer, PROBLEMS, Problem, type ProblemType, problemAnswer } from '../../functions/answer/problem.ts';
import {
  DEFAULT_GRANT_POLICY,
  type GrantPolicy,
  type ServicePorts,
  type ServiceSettings,
  type WakeReason,
} from '../../functions/ports.ts';
import type { EventRow, StoreTrigger, WakeTrigger } from '../../functions/row.ts';
import { eventRows, httpRows } from '../../functions/table.ts';
import type { ConsoleSite } from '../console/console-site.ts';
import type { S3ObjectEvent } from '../s3/s3-event.ts';
import { inUrl, isLoopback } from './addresses.ts';
import { deliverS3Event } from './deliver-s3-event.ts';
import { createGates } from './gates.ts';
import { refusal, sendAnswer } from './host-answer.ts';
import { type LocalFunction, loadFunction } from './invoke-function.ts';
import { keepRoom } from './keep-room.ts';
import { CHECK_PATH, readCheckPage } from './read-check-page.ts';
import { createHttpServer } from './serve-http.ts';
import { createInvokeServer, isInvokePath } from './serve-invoke.ts';
import { startWakeLoop, type WakeLoop } from './wake-loop.ts';

export interface HostOptions {
  /** What the functions run on. The host adds its own queue, and its address to the allowed authorities. */
  readonly ports: Omit<ServicePorts, 'anchorQueue' | 'settings' | 'recorder'> & { readonly recorder: Recorder | null };
  /** Of this machine; loopback when not given. Beyond it, `moreAuthorities` has all names that count. */
  readonly host?: string;
  /** 0, the default, takes any free one. */
  readonly port?: number;
  /** Names besides its own that requests may be addressed to. */
  readonly moreAuthorities?: readonly string[];
  /** What `GET /health` answers, with 503 where it is false; not served when not given. */
  readonly isHealthy?: () => boolean;
  /** No event of the contracts is in an earlier block; 0 when not given. */
  readonly fromBlock?: number;
  /** The console at `/` and `/console/`; not served when not given. */
  readonly site?: ConsoleSite;
  /** AWS credentials that Lambda's Invoke API takes; null turns it off. */
  readonly lambda: { readonly accessKey: string; readonly secretKey: string; readonly region: string } | null;
  /** How long a stored batch waits for others of its dataset before it is recorded; not at all by default. */
  readonly recordEveryMs?: number;
  /** Rounds follow each other no faster; 0 when not given. */
  readonly roundEveryMs?: number;
  /** So long every round stays provable; null: for good. Thirty days when not given. */
  readonly keepRoundsMs?: number | null;
  /** Which proposed grants of ASC are accepted, to the account of `ports.recorder`. */
  readonly grants?: GrantPolicy;
  /** How often the anchor runs unasked; 1 s by default. It runs only where `ports.recorder` is given. */
  readonly anchorEveryMs?: number;
  /** How often bucket and table are compared; as often as in AWS by default. */
  readonly reconcileEveryMs?: number;
  /** What requests under way are given when closing. */
  readonly closeTimeoutMs?: number;
}

export interface RunningHost {
  readonly apiUrl: string;
  /** Null when Invoke is off. */
  readonly lambdaEndpoint: string | null;
  readonly port: number;
  /** Takes one event of the object store, as S3 would send it through SQS. Rejects when it must come again. */
  deliverS3Event(event: S3ObjectEvent): Promise<void>;
  wakeAnchor(): void;
  /** Begins to compare bucket and table now: what was put while nobody looked is found. */
  wakeReconciliation(): void;
  close(): Promise<void>;
}

const MAX_HEADER_BYTES = 16 * 1024;
const MAX_CONNECTIONS = 256;
const HEADERS_TIMEOUT_MS = 10_000;
const REQUEST_TIMEOUT_MS = 30_000;
/** Asked by balancers and watchdogs, which know the service by its address. */
const HEALTH_PATH = '/health';

/**
 * Serves every function of the table: routes over HTTP as API Gateway events, Lambda's Invoke API, S3 events
 * and the anchor's schedule. The handlers are those that Lambda runs.
 * @throws when the port is taken
 */
export async function startHost(options: HostOptions): Promise<RunningHost> {
  const { host = '127.0.0.1', observer } = { ...options, observer: options.ports.observer };
  const server = makeServer();
  const room = keepRoom(server, MAX_CONNECTIONS);
  server.listen(options.port ?? 0, host);
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const authority = `${inUrl(host)}:${port}`;

  let wakeAnchor = (_reason: WakeReason): void => undefined;
  const authorities = [...(isLoopback(host) ? [authority] : []), ...(options.moreAuthorities ?? [])];
  const { recorder } = options.ports;
  const settings: ServiceSettings = {
    authorities,
    chainId: options.ports.ledger.domain.chainId,
    cssAccount: recorder?.account ?? null,
    grants: options.grants ?? DEFAULT_GRANT_POLICY,
    recordEveryMs: options.recordEveryMs ?? 0,
    roundEveryMs: options.roundEveryMs ?? 0,
    ...(options.keepRoundsMs === undefined ? {} : { keepRoundsMs: options.keepRoundsMs }),
    fromBlock: options.fromBlock ?? 0,
  };
  const ports: ServicePorts = {
    ...options.ports,
    // Only the functions that record are given it, and without an account none of them is loaded.
    recorder: recorder as Recorder,
    settings: () => settings,
    anchorQueue: { wake: async (reason) => wakeAnchor(reason) },
  };
  const gates = createGates();
  const load = (row: LocalFunction['row']) => loadFunction(row, ports, gates);
  const routed = await Promise.all(Object.values(httpRows).map(load));
  const listening = await Promise.all(Object.values<EventRow>(eventRows).filter(listensToStore).map(load));
  const loops = new Map<string, WakeLoop>();
  for (const row of Object.values<EventRow>(eventRows).filter(isWoken)) {
    // Whoever records needs an account to pay from.
    if (row.may.dissc === 'record' && recorder === null) continue;
    const asked: Readonly<Record<string, number | undefined>> = {
      anchor: options.anchorEveryMs ?? 1000,
      'reconcile-segments': options.reconcileEveryMs,
    };
    const everyMs = asked[row.name] ?? row.trigger.everyMs;
    loops.set(row.name, startWakeLoop(await load(row), everyMs, observer));
  }
  wakeAnchor = (reason) => loops.get(eventRows.anchor.name)?.wake(reason);

  const serveHttp = createHttpServer(routed, observer);
  const rules = options.lambda && {
    ...options.lambda,
    service: 'lambda',
    authority,
    now: () => new Date(ports.runtime.nowMs()),
  };
  const serveInvoke = rules && createInvokeServer(routed, rules, observer);
  const underWay = new Set<Promise<void>>();
  server.on('request', (incoming: IncomingMessage, response: ServerResponse) => {
    response.on('error', () => undefined);
    incoming.on('error', () => undefined);
    room.take(incoming, response);
    if (!authorities.includes(incoming.headers.host?.toLowerCase() ?? '') && incoming.url !== HEALTH_PATH) {
      const detail = 'This service does not answer for that host.';
      sendAnswer(
        incoming,
        response,
        problemAnswer(new Problem('/problems/signature', detail, { reason: 'authority' })),
      );
      return;
    }
    if (options.isHealthy !== undefined && incoming.url === HEALTH_PATH) {
      sendAnswer(incoming, response, healthAnswer(options.isHealthy()));
      return;
    }
    if (incoming.url === CHECK_PATH && incoming.method === 'GET') {
      sendAnswer(incoming, response, readCheckPage());
      return;
    }
    const target = incoming.url ?? '';
    const { site } = options;
    const page = site?.takes(target) === true ? site.serve.bind(site) : null;
    const serve = page ?? (serveInvoke !== null && isInvokePath(target) ? serveInvoke : serveHttp);
    const answered = serve(incoming, response)
      .catch((error) => {
        if (!incoming.destroyed) observer.error('request failed', { error });
        sendAnswer(incoming, response, refusal('/problems/internal', 'The request could not be answered.'));
      })
      .finally(() => underWay.delete(answered));
    underWay.add(answered);
  });

  return {
    apiUrl: `http://${authority}`,
    lambdaEndpoint: options.lambda === null ? null : `http://${authority}`,
    port,
    deliverS3Event: (event) => deliverS3Event(listening, event),
    wakeAnchor: () => wakeAnchor('look'),
    wakeReconciliation: () => loops.get(eventRows['reconcile-segments'].name)?.wake('start'),
    async close() {
      const closeTimeoutMs = options.closeTimeoutMs ?? 5_000;
      const ending = [...loops.values()].map((loop) => loop.close(closeTimeoutMs));
      await Promise.all([closeServer(server, underWay, closeTimeoutMs), ...ending]);
    },
  };
}

function healthAnswer(isHealthy: boolean): HttpAnswer {
  const body = JSON.stringify({ status: isHealthy ? 'ok' : 'a part does not answer; the log says which' });
  const headers = { 'content-type': 'application/json', 'cache-control': 'no-store' };
  return { statusCode: isHealthy ? 200 : 503, headers, body, isBase64Encoded: false };
}

function listensToStore(row: EventRow): row is EventRow & { readonly trigger: StoreTrigger } {
  return row.trigger.kind === 's3-event';
}

function isWoken(row: EventRow): row is EventRow & { readonly trigger: WakeTrigger } {
  return row.trigger.kind === 'wake';
}

function makeServer(): Server {
  const server = createServer({
    maxHeaderSize: MAX_HEADER_BYTES,
    headersTimeout: HEADERS_TIMEOUT_MS,
    requestTimeout: REQUEST_TIMEOUT_MS,
    connectionsCheckingInterval: 1_000,
    keepAliveTimeout: 5_000,
  });
  server.maxHeadersCount = 0;
  server.on('clientError', refuseBytes);
  server.on('connection', (socket) => socket.on('error', () => socket.destroy()));
  // Neither tunnels nor other protocols.
  server.on('connect', (_request, socket) => socket.destroy());
  return server;
}

/** What came was not HTTP, too large or too slow. */
function refuseBytes(error: Error, socket: Duplex): void {
  if (!socket.writable) {
    socket.destroy();
    return;
  }
  const code = 'code' in error ? error.code : '';
  const type: ProblemType = code === 'HPE_HEADER_OVERFLOW' ? '/problems/headers-too-large' : '/problems/bad-request';
  const { status, title } = PROBLEMS[type];
  const body = JSON.stringify({ type, title, status });
  const head = `HTTP/1.1 ${status} Refused\r\nContent-Type: application/problem+json\r\nConnection: close`;
  socket.end(`${head}\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`, () => socket.destroy());
}

async function closeServer(server: Server, underWay: ReadonlySet<Promise<void>>, timeoutMs: number): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  server.closeIdleConnections();
  const timer = setTimeout(() => server.closeAllConnections(), timeoutMs);
  await closed;
  clearTimeout(timer);
  const waited = Promise.withResolvers<void>();
  const giveUp = setTimeout(waited.resolve, timeoutMs);
  await Promise.race([Promise.allSettled(underWay), waited.promise]);
  clearTimeout(giveUp);
}
