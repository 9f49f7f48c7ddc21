import { createServer, type Server } from 'node:http';
import { ArgumentError } from '../../core/errors.ts';

/** A page as it is answered. */
export interface Page {
  readonly status: 200 | 503;
  readonly type: string;
  readonly body: string;
}

export interface LoopbackPages {
  readonly port: number;
  close(): Promise<void>;
}

const LOOPBACK = '127.0.0.1';
const MAX_CONNECTIONS = 16;
const TIMEOUT_MS = 5_000;
/** A web page that resolves its own name to this machine brings that name along. */
const OWN_NAMES = /^(127\.0\.0\.1|localhost)(:[0-9]+)?$/;

/**
 * Answers GET requests of this machine alone, until closed: nothing is read of a request but its path.
 * @param port 0 for any that is free
 * @throws ArgumentError when the port is taken or not allowed
 */
export async function serveLoopbackPages(
  port: number,
  pages: Readonly<Record<string, () => Page>>,
): Promise<LoopbackPages> {
  const server = createServer({ requestTimeout: TIMEOUT_MS, headersTimeout: TIMEOUT_MS }, (request, response) => {
    const page = pages[(request.url ?? '').split('?')[0] ?? ''];
    const isOwn = OWN_NAMES.test(request.headers.host ?? '');
    const isRead = request.method === 'GET' || request.method === 'HEAD';
    if (!isOwn || !isRead || page === undefined) {
      response.writeHead(isOwn && isRead ? 404 : isOwn ? 405 : 421, { connection: 'close' }).end();
      return;
    }
    const { status, type, body } = page();
    response.writeHead(status, {
      'content-type': type,
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
    });
    response.end(request.method === 'HEAD' ? undefined : body);
  });
  server.maxConnections = MAX_CONNECTIONS;
  await listen(server, port);
  const bound = server.address();
  return {
    port: typeof bound === 'object' && bound !== null ? bound.port : port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function listen(server: Server, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (cause) =>
      reject(new ArgumentError(`Port ${port} of ${LOOPBACK} cannot be used. Give another one, or 0.`, { cause })),
    );
    server.listen(port, LOOPBACK, resolve);
  });
}
